"""Against the algorithm as its authors wrote it: double backward on modules, `torch.optim`."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.methods.known import Passes, batch, context
from torch import nn

from l2rw.methods.base import METHOD_PREFIX, own_of
from l2rw.methods.meta_weight_net import MetaWeightNet
from l2rw.methods.weight_settings import MetaWeightNetSettings
from l2rw.training.engine import optimizers
from l2rw.training.engine.network import ForwardOutput
from l2rw.training.engine.optimizers import Variables

HIDDEN, N, M = 6, 8, 5


def reference_network(own):
    """The weighting network as modules."""
    network = nn.Sequential(
        nn.Linear(1, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1), nn.Sigmoid()
    ).double()
    values = (own["in"][:, None], own["in_bias"], own["out"][None], own["out_bias"][None])
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), values, strict=True):
            parameter.copy_(value)
    return network


def reference_step(w, network, optimisers, rate, examples, clean):
    """One step; returns the weights. Images are rows, the model is linear."""
    images, labels = examples
    values = F.cross_entropy(images @ w, labels, reduction="none")
    weighted = (network(values.detach()[:, None])[:, 0] * values).mean()
    (slope,) = torch.autograd.grad(weighted, w, create_graph=True)
    clean_loss = F.cross_entropy(clean[0] @ (w - rate * slope), clean[1])
    optimisers[1].zero_grad()
    clean_loss.backward(inputs=list(network.parameters()))
    optimisers[1].step()
    with torch.no_grad():
        weights = network(values[:, None])[:, 0] / N
    optimisers[0].param_groups[0]["lr"] = rate
    optimisers[0].zero_grad()
    (weights * F.cross_entropy(images @ w, labels, reduction="none")).sum().backward(inputs=[w])
    optimisers[0].step()
    return weights


def test_several_steps_are_those_of_the_source(make_spec):
    random = np.random.default_rng(0)
    settings = MetaWeightNetSettings(hidden=HIDDEN, learning_rate=0.05, weight_decay=0.01)
    method = MetaWeightNet(settings)
    start = torch.tensor(random.normal(size=(4, 3)))
    own = {n: torch.as_tensor(v).double() for n, v in method.parameters(context([0, 1])).items()}
    parameters = {"w": start.clone(), **{METHOD_PREFIX + n: p.clone() for n, p in own.items()}}
    spec = make_spec("meta_weight_net", momentum=0.9, weight_decay=5e-4)
    groups = optimizers.group(spec, parameters, method.own_optimizer())
    zeros = [{n: torch.zeros_like(p) for n, p in parameters.items()} for _ in range(2)]
    variables = Variables(parameters, *zeros)

    network, w = reference_network(own), start.clone().requires_grad_()
    optimisers = (
        torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=5e-4),
        torch.optim.Adam(network.parameters(), lr=0.05, weight_decay=0.01),
    )

    def losses(at, images, labels):
        logits = images @ at["w"]
        return method.losses(logits, labels, own_of(at)), ForwardOutput(logits, {})

    for step, rate in enumerate([0.5, 0.5, 0.5, 0.05, 0.05, 0.05]):
        images, clean_images = random.normal(size=(N, 4)), random.normal(size=(M, 4))
        labels, clean_labels = random.integers(3, size=N), random.integers(3, size=M)
        clean = {"clean_images": clean_images, "clean_labels": clean_labels}
        seen = batch(images, labels, step, rate, **clean)
        followed = method.gradient(
            Passes(losses),
            parameters,
            seen,
            {},
            lambda g, seen=seen: optimizers.advanced(groups[1], variables, g, seen.step),
        )
        optimizers.update(groups, variables, followed.gradient, seen.learning_rate, seen.step)
        examples = torch.tensor(images), torch.tensor(labels)
        of_clean = torch.tensor(clean_images), torch.tensor(clean_labels)
        weights = reference_step(w, network, optimisers, rate, examples, of_clean)
        torch.testing.assert_close(followed.weights, weights, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(parameters["w"], w.detach(), rtol=1e-10, atol=1e-12)
        ours = own_of(parameters)
        for (name, value), theirs in zip(ours.items(), network.parameters(), strict=True):
            torch.testing.assert_close(
                value.flatten(), theirs.detach().flatten(), rtol=1e-8, atol=1e-10, msg=name
            )
    moved = [(ours[name] - own[name]).abs().max() for name in own]
    assert min(moved) > 0.01


def test_the_weighting_network_is_drawn_from_the_seed_within_bounds():
    def draw(seed):
        return MetaWeightNet().parameters(context([0, 1], seed=seed))

    first, again, other = draw(0), draw(0), draw(1)
    for name, value in first.items():
        assert value.dtype == np.float32
        assert np.array_equal(value, again[name])
        assert not np.array_equal(value, other[name])
    assert {name: value.shape for name, value in first.items()} == {
        "in": (100,),
        "in_bias": (100,),
        "out": (100,),
        "out_bias": (),
    }
    assert 0.9 < abs(first["in"]).max() <= 1
    assert 0.09 < abs(first["out"]).max() <= 0.1


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"learning_rate": 0.0}, {"weight_decay": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="Hint: choose"):
        MetaWeightNetSettings(**wrong)
