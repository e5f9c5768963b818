import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2rw.methods.focal import Focal
from l2rw.methods.loss_settings import FocalSettings

LOGITS = np.array([[1.2, -0.3, 0.4], [0.1, 0.9, -1.0], [-0.5, 0.2, 0.3], [2.0, 2.5, -0.7]])
LABELS = np.array([0, 2, 1, 1])
P = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
GIVEN = P[np.arange(4), LABELS]


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_losses_and_gradients_are_those_by_hand(gamma):
    logits = torch.tensor(LOGITS, requires_grad=True)
    values = Focal(FocalSettings(gamma=gamma)).losses(logits, torch.tensor(LABELS), {})
    np.testing.assert_allclose(values.detach(), -((1 - GIVEN) ** gamma) * np.log(GIVEN))
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    # The slope in log p, times that of log p in the logits.
    slope = gamma * (1 - GIVEN) ** (gamma - 1) * GIVEN * np.log(GIVEN) - (1 - GIVEN) ** gamma
    np.testing.assert_allclose(gradient, slope[:, None] * (np.eye(3)[LABELS] - P))


def test_without_gamma_it_is_cross_entropy():
    logits, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    values = Focal(FocalSettings(gamma=0.0)).losses(logits, labels, {})
    torch.testing.assert_close(values, F.cross_entropy(logits, labels, reduction="none"))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("label", [0, 2])
def test_extreme_logits_give_finite_losses_and_gradients(gamma, label):
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    Focal(FocalSettings(gamma=gamma)).losses(logits, torch.tensor([label]), {}).sum().backward()
    assert logits.grad.isfinite().all()


def test_a_gamma_below_zero_is_refused():
    with pytest.raises(ValueError, match=r"gamma is -1.0. Hint: choose 0 or more"):
        FocalSettings(gamma=-1.0)
