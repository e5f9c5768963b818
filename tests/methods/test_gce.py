import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2rw.methods.gce import GCE
from l2rw.methods.loss_settings import GCESettings

LOGITS = np.array([[1.2, -0.3, 0.4], [0.1, 0.9, -1.0], [-0.5, 0.2, 0.3], [2.0, 2.5, -0.7]])
LABELS = np.array([0, 2, 1, 1])
P = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
GIVEN = P[np.arange(4), LABELS]


def losses(logits, labels=LABELS, **settings):
    method = GCE(GCESettings(**settings))
    return method.losses(logits, torch.as_tensor(labels), {})


def test_the_default_is_that_of_the_source():
    torch.testing.assert_close(losses(torch.tensor(LOGITS)), losses(torch.tensor(LOGITS), q=0.7))


@pytest.mark.parametrize("q", [0.1, 0.7, 1.0])
def test_losses_and_gradients_are_those_by_hand(q):
    logits = torch.tensor(LOGITS, requires_grad=True)
    values = losses(logits, q=q)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    np.testing.assert_allclose(values.detach(), (1 - GIVEN**q) / q)
    np.testing.assert_allclose(gradient, GIVEN[:, None] ** q * (P - np.eye(3)[LABELS]))


def test_its_limits_are_cross_entropy_and_the_mean_absolute_error():
    logits, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    cross_entropy = F.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(losses(logits, q=1e-7), cross_entropy, rtol=1e-6, atol=0)
    np.testing.assert_allclose(losses(logits, q=1.0), 1 - GIVEN)


def test_extreme_logits_give_finite_losses_and_gradients():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    value = losses(logits, np.array([2]))
    value.sum().backward()
    assert value.item() == pytest.approx(1 / 0.7)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("q", [0.0, -1.0, 1.5])
def test_impossible_exponents_are_refused(q):
    with pytest.raises(ValueError, match=r"q is .* Hint: choose q"):
        GCESettings(q=q)
