import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2rw.methods import METHODS

LOGITS = np.array([[1.2, -0.3, 0.4], [0.1, 0.9, -1.0], [-0.5, 0.2, 0.3], [2.0, 2.5, -0.7]])
LABELS = np.array([0, 2, 1, 1])
LOG_Q = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
Q = np.exp(LOG_Q)
GIVEN = np.eye(3)[LABELS]
PREDICTED = np.eye(3)[LOGITS.argmax(1)]
BETA = {"reed_soft": 0.95, "reed_hard": 0.8}


def losses(name, logits, labels=LABELS):
    return METHODS.load(name)().losses(logits, torch.from_numpy(labels), {})


def losses_and_gradient(name):
    """Losses (n,) and the gradient of their sum at the logits (n, 3)."""
    logits = torch.from_numpy(LOGITS).requires_grad_()
    values = losses(name, logits)
    return values.detach(), torch.autograd.grad(values.sum(), logits)[0]


@pytest.mark.parametrize(("name", "mixed_in"), [("reed_soft", Q), ("reed_hard", PREDICTED)])
def test_losses_are_cross_entropies_against_the_mixed_target(name, mixed_in):
    target = BETA[name] * GIVEN + (1 - BETA[name]) * mixed_in
    np.testing.assert_allclose(losses_and_gradient(name)[0], -(target * LOG_Q).sum(1))


def test_two_classes_worked_out():
    # Predicted: 1/4 and 3/4, given: class 0. Soft: 0.95 log 4 + 0.05 (log(4)/4 + 3 log(4/3)/4).
    logits = torch.log(torch.tensor([[0.25, 0.75]], dtype=torch.float64))
    soft, hard = (losses(name, logits, np.array([0])).item() for name in BETA)
    assert soft == pytest.approx(0.9625 * np.log(4) + 0.0375 * np.log(4 / 3))
    assert hard == pytest.approx(0.8 * np.log(4) + 0.2 * np.log(4 / 3))


def test_the_gradient_flows_through_the_soft_target():
    entropy = -(Q * LOG_Q).sum(1, keepdims=True)
    # At a constant target the logits move towards it, at the entropy along -q (log q + entropy).
    expected = 0.95 * (Q - GIVEN) - 0.05 * Q * (LOG_Q + entropy)
    _, gradient = losses_and_gradient("reed_soft")
    np.testing.assert_allclose(gradient, expected)
    detached = Q - 0.95 * GIVEN - 0.05 * Q
    assert abs(gradient.numpy() - detached).max() > 0.01


def test_the_hard_target_is_a_constant():
    _, gradient = losses_and_gradient("reed_hard")
    np.testing.assert_allclose(gradient, Q - 0.8 * GIVEN - 0.2 * PREDICTED)


@pytest.mark.parametrize("name", BETA)
def test_a_prediction_that_is_the_given_label_for_sure_loses_nothing(name):
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    value = losses(name, logits, np.array([0]))
    value.sum().backward()
    assert value.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("name", BETA)
def test_extreme_logits_give_finite_losses_and_gradients(name):
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    value = losses(name, logits, np.array([2]))
    value.sum().backward()
    assert value.item() == pytest.approx(BETA[name] * 2e4)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", BETA)
def test_at_a_share_of_one_it_is_the_baseline(name, monkeypatch):
    monkeypatch.setattr(METHODS.load(name), "beta", 1.0)
    logits, labels = torch.from_numpy(LOGITS), torch.from_numpy(LABELS)
    torch.testing.assert_close(
        losses(name, logits), F.cross_entropy(logits, labels, reduction="none")
    )
