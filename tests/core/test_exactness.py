"""The weights are what the paper defines: how the clean loss answers to a real look-ahead step."""

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from l2rw.core.batchnorm import record_statistics
from l2rw.core.weights import (
    Parameters,
    WeightedGradient,
    alignments_in_closed_form,
    normalise,
    reweighted_gradient,
    reweighted_gradient_by_double_backward,
)

MODES = [reweighted_gradient, reweighted_gradient_by_double_backward]


class Problem(NamedTuple):
    model: nn.Module
    loss: Callable[[Tensor, Tensor], Tensor]
    batch: tuple[Tensor, Tensor]
    clean: tuple[Tensor, Tensor]

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def losses(self, examples: tuple[Tensor, Tensor]) -> Tensor:
        inputs, targets = examples
        return self.loss(self.model(inputs), targets)

    def solve(self, mode: Callable[..., WeightedGradient]) -> WeightedGradient:
        model = copy.deepcopy(self.model)
        record_statistics(model)

        def losses(at: Parameters, examples: tuple[Tensor, Tensor]) -> Tensor:
            return self.loss(functional_call(model, at, (examples[0],)), examples[1])

        at = {n: p.detach() for n, p in self.model.named_parameters() if p.requires_grad}
        return mode(
            lambda at: (losses(at, self.batch), ()),
            lambda at: losses(at, self.clean).mean(),
            at,
        )


def alignments_by_finite_differences(problem: Problem, step: float = 1e-5) -> Tensor:
    """Take the look-ahead step of each example in both directions, and measure the clean loss."""
    p = problem._replace(model=copy.deepcopy(problem.model))
    before = [parameter.detach().clone() for parameter in p.parameters]

    @torch.no_grad()
    def clean_loss_after(epsilon: float, gradient: tuple[Tensor, ...]) -> Tensor:
        for parameter, start, slope in zip(p.parameters, before, gradient, strict=True):
            parameter.copy_(start - epsilon * slope)
        return p.losses(p.clean).mean()

    losses = p.losses(p.batch)
    gradients = [torch.autograd.grad(loss, p.parameters, retain_graph=True) for loss in losses]
    return torch.stack(
        [-(clean_loss_after(step, g) - clean_loss_after(-step, g)) / (2 * step) for g in gradients]
    )


def gradient_of_weighted_loss(problem: Problem, weights: Tensor) -> tuple[Tensor, ...]:
    p = problem._replace(model=copy.deepcopy(problem.model))
    return torch.autograd.grad((weights * p.losses(p.batch)).sum(), p.parameters)


def close(one: Tensor, other: Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def normals(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets, reduction="none")


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().sum(1)


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(outputs[:, 0], targets, reduction="none")


def mlp(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, outputs)
    )


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3))
    model[2].weight = model[0].weight
    return model


def frozen() -> nn.Module:
    model = mlp()
    model[2].requires_grad_(False)
    model[0].bias.requires_grad_(False)
    return model


def conv_net() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Softplus(), nn.Conv2d(3, 4, 3)),
        *(nn.BatchNorm2d(4, affine=False), nn.Softplus(), nn.Flatten(), nn.Linear(16, 5)),
        *(nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)),
    )


def classes(n: int) -> Tensor:
    return torch.randint(3, (n,))


CASES = {
    "multi-layer perceptron": (mlp, (5,), cross_entropy, classes),
    "batch normalisation": (conv_net, (2, 6, 6), cross_entropy, classes),
    "tied parameters": (tied, (5,), cross_entropy, classes),
    "frozen parameters": (frozen, (5,), cross_entropy, classes),
    "squared error": (mlp, (5,), squared_error, lambda n: normals(n, 3)),
    "binary cross-entropy": (
        *(lambda: mlp(1), (5,), binary_cross_entropy),
        lambda n: torch.randint(2, (n,)).double(),
    ),
}


def draw(case: str, examples: int = 7, clean: int = 4) -> Problem:
    torch.manual_seed(0)
    net, shape, loss, targets = CASES[case]
    examples_of = [(normals(n, *shape), targets(n)) for n in (examples, clean)]
    return Problem(net().double(), loss, *examples_of)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mode", MODES, ids=["forward", "double backward"])
def test_weights_answer_to_the_look_ahead_step(case, mode):
    problem = draw(case)
    expected = alignments_by_finite_differences(problem)
    assert (expected > 0.01).any()
    assert (expected < -0.01).any()
    found = problem.solve(mode)
    close(found.weights, normalise(expected))
    gradients = gradient_of_weighted_loss(problem, found.weights)
    for one, other in zip(found.gradient.values(), gradients, strict=True):
        close(one, other, 1e-12)


layers = st.tuples(
    st.lists(st.integers(1, 5), min_size=2, max_size=5),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from([nn.Tanh, nn.Sigmoid, nn.Softplus]),
)


@given(layers, st.integers(1, 6), st.integers(1, 4), st.integers(0, 1000))
def test_the_closed_form_is_that_of_any_multi_layer_perceptron(form, examples, clean, seed):
    widths, biases, activation = form
    torch.manual_seed(seed)
    stack = [
        layer
        for i, (before, after) in enumerate(pairwise(widths))
        for layer in (nn.Linear(before, after, bias=biases[i]), activation())
    ]
    model = nn.Sequential(*stack[:-1]).double()
    batch, clean_batch = (
        (normals(n, widths[0]), normals(n, widths[-1])) for n in (examples, clean)
    )
    problem = Problem(model, squared_error, batch, clean_batch)
    alignments = alignments_in_closed_form(model, squared_error, batch, clean_batch)
    close(alignments, alignments_by_finite_differences(problem))
    for mode in MODES:
        close(problem.solve(mode).weights, normalise(alignments), 1e-9)


@pytest.mark.parametrize("mode", MODES, ids=["forward", "double backward"])
def test_dropout_masks_are_those_of_two_ordinary_passes(mode):
    """One mask for the clean pass, one for the training pass and its derivative."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Linear(5, 20), nn.Tanh(), nn.Dropout(0.5), nn.Linear(20, 20), nn.Tanh()),
        *(nn.Dropout(0.3), nn.Linear(20, 3)),
    ).double()
    batch, clean_batch = ((normals(n, 5), classes(n)) for n in (7, 4))
    problem = Problem(model, cross_entropy, batch, clean_batch)

    def inner_products() -> tuple[Tensor, Tensor]:
        passes = [clean_batch, batch] if mode is reweighted_gradient else [batch, clean_batch]
        seen = {id(examples): problem.losses(examples) for examples in passes}
        losses = seen[id(batch)]
        target = torch.autograd.grad(seen[id(clean_batch)].mean(), problem.parameters)
        rows = [torch.autograd.grad(loss, problem.parameters, retain_graph=True) for loss in losses]
        products = [sum((g * t).sum() for g, t in zip(row, target, strict=True)) for row in rows]
        return torch.stack(products), losses

    torch.manual_seed(1)
    found = problem.solve(mode)
    torch.manual_seed(1)
    alignments, losses = inner_products()
    close(found.losses, losses.detach(), 1e-12)
    close(found.weights, normalise(alignments), 1e-12)
    assert not torch.allclose(found.weights, normalise(inner_products()[0]), atol=1e-3)
