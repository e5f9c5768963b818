import numpy as np
import pytest
import torch
from tests.methods.known import Passes, batch, context, no_own_optimizer, prepared

from l2rw.methods.base import StepResult
from l2rw.methods.elr import ELR
from l2rw.methods.loss_settings import ELRSettings
from l2rw.training.engine.network import ForwardOutput

BETA, STRENGTH, RATE, N = 0.6, 2.5, 0.3, 7


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def by_hand(w, targets, images, labels, positions):
    """Losses, gradient and targets of a step of a linear model, without PyTorch."""
    p = softmax(images @ w)
    t = BETA * targets[positions] + (1 - BETA) * p
    agreement = (t * p).sum(1, keepdims=True)
    values = -np.log(p[range(len(labels)), labels]) + STRENGTH * np.log(1 - agreement[:, 0])
    slopes = p - np.eye(3)[labels] - STRENGTH / (1 - agreement) * p * (t - agreement)
    after = targets.copy()
    after[positions] = t
    return values, images.T @ slopes / len(labels), after


def test_several_steps_are_those_by_hand():
    random = np.random.default_rng(0)
    method = ELR(ELRSettings(beta=BETA, strength=STRENGTH))
    state = {"targets": prepared(method, context(range(N), classes=3))["targets"].double()}
    assert state["targets"].shape == (N, 3)
    w, targets = random.normal(size=(4, 3)), np.zeros((N, 3))

    def losses(at, images, targets):
        logits = images @ at["w"]
        return method.losses(logits, targets, {}), ForwardOutput(logits, {})

    for step in range(6):
        images, labels = random.normal(size=(5, 4)), random.integers(3, size=5)
        positions = random.permutation(N)[:5]
        seen, at = batch(images, labels, step, positions=positions), {"w": torch.tensor(w)}
        followed = method.gradient(Passes(losses), at, seen, state, no_own_optimizer)
        values, gradient, targets = by_hand(w, targets, images, labels, positions)
        np.testing.assert_allclose(followed.losses, values)
        np.testing.assert_allclose(followed.gradient["w"], gradient, atol=1e-14)
        before = state["targets"].data_ptr()
        logits = followed.aux.logits
        result = StepResult(seen, followed.losses, followed.weights, logits, at, {}, {})
        method.update(state, result)
        np.testing.assert_allclose(state["targets"], targets)
        assert state["targets"].data_ptr() == before
        w = w - RATE * gradient
    assert (targets.sum(1) > 0).all()


@pytest.mark.parametrize("label", [0, 1])
def test_a_prediction_without_doubt_is_finite(label):
    method, logits = ELR(), torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    remembered = torch.tensor([[1.0, 0.0, 0.0]])
    method.losses(logits, (torch.tensor([label]), remembered), {}).sum().backward()
    assert logits.grad.isfinite().all()


def test_defaults_are_those_of_the_source_on_cifar10():
    assert ELR().settings == ELRSettings(beta=0.7, strength=3.0)


@pytest.mark.parametrize("wrong", [{"beta": 1.0}, {"beta": -0.1}, {"strength": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        ELRSettings(**wrong)
