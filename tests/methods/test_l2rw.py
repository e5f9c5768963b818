"""L2RW over the losses of other methods, by the definition of its weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.methods.known import Passes, batch, no_own_optimizer

from l2rw.methods import METHODS
from l2rw.methods.l2rw import L2RW
from l2rw.methods.weight_settings import L2RWSettings
from l2rw.training.engine.loop import Training
from l2rw.training.engine.network import ForwardOutput, build_network
from l2rw.training.engine.runs import Start

LOSSES = [name for name, record in METHODS.items() if record.loss_alone]


def test_some_methods_have_a_loss_that_may_be_weighed():
    assert {"gce", "sce", "focal"} <= set(LOSSES)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_and_gradient_are_those_of_the_other_loss(loss):
    random = np.random.default_rng(0)
    method, other = L2RW(L2RWSettings(loss=loss)), METHODS.load(loss)()
    w = torch.tensor(random.normal(size=(4, 3)))
    images, clean_images = (torch.tensor(random.normal(size=(n, 4))) for n in (7, 5))
    labels, clean_labels = (torch.tensor(random.integers(3, size=n)) for n in (7, 5))

    def losses(at, images, targets):
        logits = images @ at["w"]
        return method.losses(logits, targets, {}), ForwardOutput(logits, {})

    clean = {"clean_images": clean_images, "clean_labels": clean_labels}
    found = method.gradient(
        Passes(losses), {"w": w}, batch(images, labels, **clean), {}, no_own_optimizer
    )

    def slopes(images, labels):
        at = w.clone().requires_grad_()
        values = other.losses(images @ at, labels, {})
        return torch.stack(
            [torch.autograd.grad(value, at, retain_graph=True)[0] for value in values]
        )

    each, of_clean = slopes(images, labels), slopes(clean_images, clean_labels).mean(0)
    u = (each * of_clean).sum((1, 2)).clamp(min=0)
    torch.testing.assert_close(found.weights, u / u.sum())
    torch.testing.assert_close(found.gradient["w"], torch.einsum("n,nij->ij", u / u.sum(), each))
    assert 0 < (u > 0).sum() < len(u)


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8"])
def test_it_trains_alike_alone_and_in_a_stack(make_spec, model, digits, make_split):
    """Alone LeNet's weights are computed layer by layer, in a stack in forward mode."""
    spec = replace(make_spec("l2rw", model=model), method_settings=(("loss", "gce"),))

    def train(*seeds):
        network = build_network(spec, (1, 8, 8), 10)
        starts = [Start(seed, make_split(seed, "uniform_flip")) for seed in seeds]
        cpu = torch.device("cpu")
        return Training(spec, network, digits, 10, starts, cpu).run(lambda state: None)

    for alone, stacked in zip([train(0)[0], train(1)[0]], train(0, 1), strict=True):
        torch.testing.assert_close(stacked.network, alone.network, rtol=1e-3, atol=1e-5)
