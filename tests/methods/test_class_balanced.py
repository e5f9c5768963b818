import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.methods.known import Passes, batch, context, no_own_optimizer, prepared

from l2rw.methods.class_balanced import ClassBalanced
from l2rw.methods.focal import Focal
from l2rw.methods.loss_settings import ClassBalancedSettings, FocalSettings
from l2rw.training.engine.network import ForwardOutput

COUNTS = [1, 4, 30]


def state_of(**settings):
    known = context(np.repeat([0, 1, 2], COUNTS), classes=4)
    return prepared(ClassBalanced(ClassBalancedSettings(**settings)), known)["class_weights"]


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999])
def test_class_weights_are_those_of_the_source(beta):
    effective = 1.0 - np.power(beta, COUNTS)
    weights = (1.0 - beta) / effective
    # Of four classes, one of which has no examples.
    expected = weights / weights.sum() * 4
    np.testing.assert_allclose(state_of(beta=beta), [*expected, 0], rtol=1e-6)


def test_its_limits_are_uniform_weights_and_the_inverse_frequency():
    np.testing.assert_allclose(state_of(beta=0.0), [4 / 3, 4 / 3, 4 / 3, 0], rtol=1e-6)
    near_one = state_of(beta=1 - 1e-9)[:3] * torch.tensor(COUNTS)
    np.testing.assert_allclose(near_one, near_one[0].expand(3), rtol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_several_steps_are_those_of_plain_pytorch(gamma):
    random = np.random.default_rng(0)
    method = ClassBalanced(ClassBalancedSettings(gamma=gamma))
    state = {"class_weights": state_of().double()}
    w = torch.tensor(random.normal(size=(4, 4)))
    theirs = w.clone().requires_grad_()

    def losses(at, images, targets):
        logits = images @ at["w"]
        return method.losses(logits, targets, {}), ForwardOutput(logits, {})

    for step in range(4):
        images, labels = random.normal(size=(6, 4)), random.integers(3, size=6)
        seen = batch(images, labels, step)
        w = (
            w
            - 0.3
            * method.gradient(Passes(losses), {"w": w}, seen, state, no_own_optimizer).gradient["w"]
        )
        logits, labels = torch.tensor(images) @ theirs, torch.tensor(labels)
        values = F.cross_entropy(logits, labels, reduction="none")
        if gamma:
            values = Focal(FocalSettings(gamma=gamma)).losses(logits, labels, {})
        (slope,) = torch.autograd.grad((state["class_weights"][labels] * values).mean(), theirs)
        theirs = (theirs - 0.3 * slope).detach().requires_grad_()
    torch.testing.assert_close(w, theirs.detach())


@pytest.mark.parametrize("wrong", [{"beta": 1.0}, {"beta": -0.1}, {"gamma": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        ClassBalancedSettings(**wrong)
