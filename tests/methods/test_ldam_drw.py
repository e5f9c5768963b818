import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.methods.known import Passes, batch, context, no_own_optimizer, prepared

from l2rw.methods.ldam_drw import LDAMDRW
from l2rw.methods.loss_settings import LDAMSettings
from l2rw.models.lenet import lenet_8x8
from l2rw.models.resnet import resnet_8x8
from l2rw.training.engine.network import ForwardOutput

COUNTS, STEPS, SCALE = np.array([2, 10, 50]), 10, 30.0


def in_float64(state):
    return {n: t.double() if t.is_floating_point() else t for n, t in state.items()}


@pytest.fixture
def state():
    known = context(np.repeat([0, 1, 2], COUNTS), classes=3, steps=STEPS)
    return in_float64(prepared(LDAMDRW(), known))


def test_margins_fall_with_the_fourth_root_of_the_counts(state):
    np.testing.assert_allclose(state["margins"], np.diag(0.5 * (2 / COUNTS) ** 0.25), rtol=1e-6)
    assert state["change"] == 8


def reference_loss(cosines, labels, step):
    """As the source writes it: the margin off the given class, then scaled, cross-entropy."""
    margins = 1.0 / np.sqrt(np.sqrt(COUNTS))
    margins = torch.tensor(margins * (0.5 / margins.max()))
    given = F.one_hot(labels, 3).bool()
    lowered = torch.where(given, cosines - margins[labels][:, None], cosines)
    weight = (1 - 0.9999) / (1 - np.power(0.9999, COUNTS))
    weight = torch.tensor(weight / weight.sum() * 3)
    return F.cross_entropy(SCALE * lowered, labels, weight=weight if step >= 8 else None)


def test_steps_before_and_after_the_change_are_those_of_the_source(state):
    random = np.random.default_rng(0)
    method, w = LDAMDRW(), torch.tensor(random.normal(size=(4, 3)))
    theirs = w.clone().requires_grad_()

    def cosines(images, w):
        return F.normalize(torch.as_tensor(images)) @ F.normalize(w, dim=0)

    def losses(at, images, targets):
        logits = SCALE * cosines(images, at["w"])
        return method.losses(logits, targets, {}), ForwardOutput(logits, {})

    for step in range(5, STEPS):
        images, labels = random.normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 2])
        seen = batch(images, labels, step)
        followed = method.gradient(Passes(losses), {"w": w}, seen, state, no_own_optimizer)
        assert followed.weights.sum() == pytest.approx(1)
        w = w - 0.05 * followed.gradient["w"]
        loss = reference_loss(cosines(images, theirs), torch.tensor(labels), step)
        (slope,) = torch.autograd.grad(loss, theirs)
        theirs = (theirs - 0.05 * slope).detach().requires_grad_()
        torch.testing.assert_close(w, theirs.detach(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("build", [lenet_8x8, resnet_8x8])
def test_the_head_yields_scaled_cosines_and_is_drawn_as_the_layer_was(build):
    plain, model = build((1, 8, 8), 10), LDAMDRW().adapt(build((1, 8, 8), 10))
    for one in (plain, model):
        one.draw(torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.output.weight, plain.output.weight)
    assert model.output.bias is None
    features = torch.randn(5, plain.output.in_features)
    expected = [
        [30 * F.cosine_similarity(x, w, dim=0).item() for w in model.output.weight]
        for x in features
    ]
    torch.testing.assert_close(model.output(features).detach(), torch.tensor(expected))
    assert model(torch.randn(3, 1, 8, 8)).abs().max() <= 30


@pytest.mark.parametrize(
    "wrong", [{"margin": 0.0}, {"scale": 0.0}, {"beta": 1.0}, {"reweights_from": 1.5}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        LDAMSettings(**wrong)
