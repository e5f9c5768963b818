import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2rw.methods.loss_settings import SCESettings
from l2rw.methods.sce import SCE

LOGITS = np.array([[1.2, -0.3, 0.4], [0.1, 0.9, -1.0], [-0.5, 0.2, 0.3], [2.0, 2.5, -0.7]])
LABELS = np.array([0, 2, 1, 1])


def as_the_source_writes_it(logits, labels, alpha, beta):
    """Labels as distributions, clipped before their logarithm."""
    p, t = logits.softmax(1), F.one_hot(labels, 3).to(logits.dtype)
    cross_entropy = -(t * p.log()).sum(1)
    reverse = -(p * t.clamp(1e-4, 1.0).log()).sum(1)
    return alpha * cross_entropy + beta * reverse


@pytest.mark.parametrize(("alpha", "beta"), [(0.1, 1.0), (6.0, 0.1)])
def test_losses_and_gradients_are_those_of_the_source(alpha, beta):
    ours, theirs = (torch.tensor(LOGITS, requires_grad=True) for _ in range(2))
    labels = torch.tensor(LABELS)
    values = SCE(SCESettings(alpha=alpha, beta=beta)).losses(ours, labels, {})
    expected = as_the_source_writes_it(theirs, labels, alpha, beta)
    torch.testing.assert_close(values, expected)
    values.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_defaults_are_those_of_the_source_on_cifar10():
    assert SCE().settings == SCESettings(alpha=0.1, beta=1.0, least_label=1e-4)


def test_extreme_logits_give_finite_losses_and_gradients():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    SCE().losses(logits, torch.tensor([2]), {}).sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("wrong", [{"alpha": -1.0}, {"beta": -1.0}, {"least_label": 0.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        SCESettings(**wrong)
