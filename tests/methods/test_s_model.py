import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tests.methods.known import context

from l2rw.methods import METHODS

LOGITS = np.array([[1.2, -0.3, 0.4], [0.1, 0.9, -1.0], [-0.5, 0.2, 0.3], [2.0, 2.5, -0.7]])
LABELS = np.array([0, 2, 1, 1])
B = np.array([[1.0, -0.5, 0.2], [0.3, 0.8, -1.1], [-0.4, 0.0, 2.0]])


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def of_run(truth, classes=3, transition=None):
    """What is known of a training set of which these labels are right."""
    return context(np.arange(len(truth)) % classes, truth, classes, transition)


def initial_theta(name, known):
    (b,) = METHODS.load(name)().parameters(known).values()
    assert b.dtype == np.float32
    assert np.isfinite(b).all()
    return softmax(b.astype(np.float64))


def losses(logits, labels, b):
    own = {"noise_layer": torch.as_tensor(b)}
    return METHODS.load("s_model")().losses(torch.as_tensor(logits), torch.as_tensor(labels), own)


def test_two_classes_worked_out():
    # Predicted: 1/4 and 3/4; class 0 keeps its label with probability 0.9, class 1 with 0.6.
    p, theta = np.array([[0.25, 0.75]]), np.array([[0.9, 0.1], [0.4, 0.6]])
    values = [losses(np.log(p), np.array([z]), np.log(theta)).item() for z in (0, 1)]
    assert values == pytest.approx([-np.log(0.225 + 0.3), -np.log(0.025 + 0.45)])


def test_losses_are_minus_the_log_likelihood_of_the_given_label():
    likelihood = (softmax(LOGITS) @ softmax(B))[np.arange(4), LABELS]
    np.testing.assert_allclose(losses(LOGITS, LABELS, B), -np.log(likelihood))


def test_gradients_are_those_by_hand():
    logits, b = (torch.from_numpy(x).requires_grad_() for x in (LOGITS, B))
    of_logits, of_b = torch.autograd.grad(losses(logits, LABELS, b).sum(), (logits, b))
    p, theta = softmax(LOGITS), softmax(B)
    # Probability of each class given image and label, (n, 3).
    posterior = p * theta[:, LABELS].T
    posterior /= posterior.sum(1, keepdims=True)
    np.testing.assert_allclose(of_logits, p - posterior)
    given_label = np.eye(3)[LABELS]
    expected = np.einsum("ni,nij->ij", posterior, theta - given_label[:, None, :])
    np.testing.assert_allclose(of_b, expected)


def test_autograd_agrees_with_finite_differences():
    inputs = [torch.from_numpy(x).requires_grad_() for x in (LOGITS, B)]
    assert torch.autograd.gradcheck(lambda logits, b: losses(logits, LABELS, b), inputs)


def test_at_the_identity_it_is_the_baseline():
    logits, labels = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    values = losses(logits, labels, 1000 * np.eye(3))
    torch.testing.assert_close(values, F.cross_entropy(logits, labels, reduction="none"))


def test_extreme_logits_give_finite_losses_and_gradients():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    b = torch.tensor(np.log(np.full((3, 3), 0.1) + 0.7 * np.eye(3)), requires_grad=True)
    value = losses(logits, np.array([2]), b)
    value.sum().backward()
    assert value.item() == pytest.approx(-np.log(0.1))
    assert logits.grad.isfinite().all()
    assert b.grad.isfinite().all()


@given(st.lists(st.booleans(), min_size=1, max_size=50), st.integers(2, 100))
def test_the_smoothed_identity_spreads_the_noise_evenly(truth, classes):
    theta = initial_theta("s_model", of_run(truth, classes))
    noise = np.clip(1 - np.mean(truth), 1e-3, 1 - 1e-3)
    np.testing.assert_allclose(theta.diagonal(), 1 - noise, rtol=1e-5)
    np.testing.assert_allclose(theta.sum(1), 1)
    off_diagonal = theta[~np.eye(classes, dtype=bool)]
    np.testing.assert_allclose(off_diagonal, noise / (classes - 1), rtol=1e-5)


def test_the_noise_is_the_share_of_wrong_labels():
    theta = initial_theta("s_model", of_run([1, 1, 0, 1, 0]))
    np.testing.assert_allclose(theta, 0.2 + 0.4 * np.eye(3), rtol=1e-6)


def test_conf_begins_at_the_transition_matrix():
    transition = np.array([[0.6, 0.4, 0.0], [0.01, 0.98, 0.01], [0.2, 0.3, 0.5]])
    theta = initial_theta("s_model_conf", of_run([1, 0, 1], transition=transition))
    np.testing.assert_allclose(theta, transition, atol=1.1e-4)
    np.testing.assert_allclose(theta[1:], transition[1:], rtol=1e-6)
    assert theta[0, 2] == pytest.approx(1e-4, rel=1e-3)


def test_conf_shares_the_loss_of_the_s_model():
    own = {"noise_layer": torch.from_numpy(B)}
    values = METHODS.load("s_model_conf")().losses(
        torch.from_numpy(LOGITS), torch.from_numpy(LABELS), own
    )
    torch.testing.assert_close(values, losses(LOGITS, LABELS, B))


def test_conf_without_a_transition_matrix_is_refused():
    with pytest.raises(ValueError, match="transition"):
        METHODS.load("s_model_conf")().parameters(of_run([1, 0]))
