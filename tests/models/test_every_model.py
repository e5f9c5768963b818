"""What the method asks of a network: to be a pure function that can be transformed."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from l2rw.core.weights import (
    WeightedGradient,
    reweighted_gradient,
    reweighted_gradient_by_double_backward,
)
from l2rw.models import MODELS
from l2rw.training.engine.network import Network

NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name in ("wrn28_10", "resnet50") else ())
    for name in MODELS
]
SHAPE = (1, 8, 8)
CLEAN = 4


class Examples(NamedTuple):
    """Training examples and, last, clean ones."""

    images: Tensor
    labels: Tensor


def examples(seed: int) -> Examples:
    g = torch.Generator().manual_seed(seed)
    images = torch.rand(6 + CLEAN, *SHAPE, generator=g, dtype=torch.float64)
    return Examples(images, torch.arange(6 + CLEAN) % 3)


def build(name: str, dropout: bool = True) -> nn.Module:
    model = MODELS.load(name)(SHAPE, 3)
    if not dropout:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0
    return model


def start(network: Network, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    parameters, buffers = network.initial_values(seed)
    return {name: p.double() for name, p in parameters.items()}, buffers


def reweighted(network, parameters, seen, method=reweighted_gradient) -> WeightedGradient:
    def losses(at):
        torch.manual_seed(1)  # the same dropout masks, whichever pass comes first
        return network.losses(at, seen.images[:-CLEAN], seen.labels[:-CLEAN])

    def clean_loss(at):
        torch.manual_seed(2)
        return network.losses(at, seen.images[-CLEAN:], seen.labels[-CLEAN:])[0].mean()

    return method(losses, clean_loss, parameters)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
def test_images_become_logits(name, shape):
    with torch.device("meta"):
        assert MODELS.load(name)(shape, 7)(torch.rand(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_agrees_with_double_backward_in_training_mode(name):
    network = Network(build(name))
    parameters, _ = start(network, seed=0)
    forward = reweighted(network, parameters, examples(0))
    backward = reweighted(network, parameters, examples(0), reweighted_gradient_by_double_backward)
    assert forward.weights.count_nonzero() > 1
    torch.testing.assert_close(forward.weights, backward.weights)
    torch.testing.assert_close(forward.losses, backward.losses)
    torch.testing.assert_close(forward.gradient, backward.gradient)


def by_layer(network: Network, parameters, seen: Examples) -> WeightedGradient:
    batch = (seen.images[:-CLEAN], seen.labels[:-CLEAN])
    return network.layerwise_gradient(
        parameters, batch, (seen.images[-CLEAN:], seen.labels[-CLEAN:])
    )


INDEPENDENT = {name for name in MODELS if name.startswith(("lenet", "mlp"))}


@pytest.mark.parametrize("name", sorted(INDEPENDENT))
def test_layer_by_layer_twenty_steps_are_those_of_forward_mode(name):
    network = Network(build(name))
    assert network.examples_are_independent
    at, reference = ({**start(network, seed=0)[0]} for _ in range(2))
    for step in range(20):
        ours = by_layer(network, at, examples(step))
        theirs = reweighted(network, reference, examples(step))
        torch.testing.assert_close(ours.weights, theirs.weights, rtol=0, atol=1e-10)
        torch.testing.assert_close(ours.losses, theirs.losses, rtol=0, atol=1e-10)
        torch.testing.assert_close(ours.aux.logits, theirs.aux.logits, rtol=0, atol=1e-10)
        assert ours.aux.statistics == theirs.aux.statistics == {}
        at = {key: p - 0.05 * ours.gradient[key] for key, p in at.items()}
        reference = {key: p - 0.05 * theirs.gradient[key] for key, p in reference.items()}
        torch.testing.assert_close(at, reference, rtol=0, atol=1e-10)
    assert ours.weights.any()


@pytest.mark.parametrize("name", MODELS)
def test_examples_of_networks_that_say_so_are_independent_and_of_others_they_meet(name):
    model = build(name, dropout=False)
    assert model.examples_are_independent == (name in INDEPENDENT)
    images = examples(0).images.float().requires_grad_()
    if name == "wrn28_10":
        pytest.skip("is WRN-10-1 but for its size")
    model.train()(images)[0].sum().backward()
    assert images.grad[0].any()
    assert images.grad[1:].any() != model.examples_are_independent
    if not model.examples_are_independent:
        network = Network(model)
        with pytest.raises(ValueError, match="batch normalisation in training mode"):
            by_layer(network, start(network, seed=0)[0], examples(0))


# Without dropout: its masks under vmap are not those of single calls.
@pytest.mark.parametrize("name", NAMES)
def test_seeds_in_a_stack_do_what_each_does_alone(name):
    network = Network(build(name, dropout=False))
    parameters = [start(network, seed)[0] for seed in (0, 1)]
    seen = [examples(seed) for seed in (0, 1)]
    stacked = {key: torch.stack([p[key] for p in parameters]) for key in parameters[0]}

    def step(at: dict[str, Tensor], images: Tensor, labels: Tensor) -> WeightedGradient:
        return reweighted(network, at, Examples(images, labels))

    images, labels = (torch.stack(parts) for parts in zip(*seen, strict=True))
    both = torch.vmap(step, randomness="different")(stacked, images, labels)
    for index in (0, 1):
        alone = reweighted(network, parameters[index], seen[index])
        assert alone.weights.any()
        torch.testing.assert_close(both.weights[index], alone.weights)
        torch.testing.assert_close(both.losses[index], alone.losses)
        of_seed = {key: value[index] for key, value in both.gradient.items()}
        torch.testing.assert_close(of_seed, alone.gradient)
        for layer, (mean, variance) in alone.aux.statistics.items():
            torch.testing.assert_close(both.aux.statistics[layer].mean[index], mean)
            torch.testing.assert_close(both.aux.statistics[layer].variance[index], variance)


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_leaves_running_statistics_to_whoever_updates_them(name):
    model = build(name, dropout=False)
    network = Network(model)
    parameters, buffers = start(network, seed=0)
    before = {key: value.clone() for key, value in model.named_buffers()}
    seen = reweighted(network, parameters, examples(0)).aux
    torch.testing.assert_close(dict(model.named_buffers()), before, rtol=0, atol=0)

    plain = build(name, dropout=False).double()
    plain.load_state_dict({**parameters, **buffers})
    plain(examples(0).images[:-CLEAN])
    moved = {key: buffer.clone() for key, buffer in buffers.items()}
    network.move_statistics(moved, seen)
    for key, value in moved.items():
        if not key.endswith("num_batches_tracked"):
            expected = dict(plain.named_buffers())[key].float()
            assert not torch.equal(value, buffers[key])
            torch.testing.assert_close(value, expected)
