from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from l2rw.core.weights import (
    Parameters,
    WeightedGradient,
    normalise,
    reweighted_gradient,
    reweighted_gradient_by_double_backward,
    weighted_gradient,
)
from l2rw.models.lenet import LeNet

METHODS = [reweighted_gradient, reweighted_gradient_by_double_backward]


class Problem(NamedTuple):
    losses: Callable[[Parameters], tuple[Tensor, Tensor]]
    clean_loss: Callable[[Parameters], Tensor]
    parameters: Parameters


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.Tanh(), nn.Linear(5, 3))


def conv_net() -> nn.Module:
    return LeNet((1, 8, 8), 3, kernel=3, widths=(2, 3), hidden=4)


def problem(net: Callable[[], nn.Module], examples: int, clean: int, seed: int) -> Problem:
    torch.manual_seed(seed)
    model = net().double()
    n = examples + clean
    images, labels = torch.rand(n, 1, 8, 8, dtype=torch.float64), torch.randint(3, (n,))

    def all_losses(at: Parameters, which: slice) -> tuple[Tensor, Tensor]:
        logits = functional_call(model, at, (images[which],))
        return F.cross_entropy(logits, labels[which], reduction="none"), logits

    return Problem(
        lambda at: all_losses(at, slice(examples)),
        lambda at: all_losses(at, slice(examples, None))[0].mean(),
        {name: p.detach() for name, p in model.named_parameters()},
    )


def gradients(losses: Tensor, at: Parameters) -> list[Parameters]:
    rows = [torch.autograd.grad(loss, list(at.values()), retain_graph=True) for loss in losses]
    return [dict(zip(at, row, strict=True)) for row in rows]


def alignments_by_finite_differences(p: Problem, step: float = 1e-6) -> Tensor:
    at = {name: value.clone().requires_grad_() for name, value in p.parameters.items()}

    def clean_loss_at(epsilon: float, gradient: Parameters) -> float:
        moved = {name: v - epsilon * gradient[name] for name, v in p.parameters.items()}
        return float(p.clean_loss(moved))

    return torch.tensor(
        [
            -(clean_loss_at(step, gradient) - clean_loss_at(-step, gradient)) / (2 * step)
            for gradient in gradients(p.losses(at)[0], at)
        ],
        dtype=torch.float64,
    )


problems = st.builds(
    problem,
    net=st.sampled_from([mlp, conv_net]),
    examples=st.integers(1, 6),
    clean=st.integers(1, 4),
    seed=st.integers(0, 1000),
)


@given(problems)
@settings(max_examples=12)
def test_both_modes_agree_with_finite_differences(p):
    differences = alignments_by_finite_differences(p)
    positive = differences.clamp(min=0)
    expected = positive / positive.sum() if positive.any() else positive
    for method in METHODS:
        weights = method(p.losses, p.clean_loss, p.parameters).weights
        torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-8)


@given(problems)
@settings(max_examples=6)
def test_the_gradient_is_that_of_the_weighted_loss_with_the_weights_held_fixed(p):
    for method in METHODS:
        step = method(p.losses, p.clean_loss, p.parameters)
        at = {name: value.clone().requires_grad_() for name, value in p.parameters.items()}
        losses, logits = p.losses(at)
        (expected,) = gradients((step.weights * losses).sum()[None], at)
        torch.testing.assert_close(step.gradient, expected)
        torch.testing.assert_close(step.losses, losses.detach())
        torch.testing.assert_close(step.aux, logits.detach())


@pytest.mark.parametrize("net", [mlp, conv_net])
def test_weights_known_beforehand_give_the_gradient_of_their_loss(net):
    p = problem(net, examples=4, clean=1, seed=0)
    weights = torch.tensor([0.5, 0.0, 2.0, 0.25], dtype=torch.float64)
    step = weighted_gradient(p.losses, p.parameters, weights)
    at = {name: value.clone().requires_grad_() for name, value in p.parameters.items()}
    (expected,) = gradients((weights * p.losses(at)[0]).sum()[None], at)
    torch.testing.assert_close(step.gradient, expected)
    assert step.weights is weights


def test_the_step_size_of_the_look_ahead_does_not_matter():
    p = problem(mlp, examples=5, clean=3, seed=1)
    steps = (
        reweighted_gradient_by_double_backward(*p, step_size=size).weights for size in (1.0, 0.01)
    )
    torch.testing.assert_close(*steps)


@pytest.mark.parametrize("method", METHODS)
def test_examples_that_all_contradict_the_clean_set_give_a_zero_gradient(method):
    images = torch.tensor([[1.0, -2.0]], dtype=torch.float64).expand(3, 2)

    def losses(at: Parameters, label: int) -> tuple[Tensor, Tensor]:
        logits = images @ at["w"]
        return F.cross_entropy(logits, torch.full((3,), label), reduction="none"), logits

    at = {"w": torch.zeros(2, 2, dtype=torch.float64)}

    def step(clean_label: int) -> WeightedGradient:
        return method(lambda at: losses(at, 0), lambda at: losses(at, clean_label)[0].mean(), at)

    assert step(clean_label=1).weights.tolist() == [0, 0, 0]
    assert not step(clean_label=1).gradient["w"].any()
    assert step(clean_label=0).gradient["w"].any()


values = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-9)
alignments = st.lists(values, min_size=1, max_size=20).map(
    lambda xs: torch.tensor(xs, dtype=torch.float64)
)


@given(alignments)
def test_weights_are_not_negative_and_sum_to_one_or_are_all_zero(u):
    weights = normalise(u)
    assert (weights >= 0).all()
    assert (weights > 0).tolist() == (u > 0).tolist()
    assert float(weights.sum()) == pytest.approx(1 if (u > 0).any() else 0)


@given(alignments, st.floats(1e-3, 1e3))
def test_a_positive_factor_does_not_change_the_weights(u, factor):
    torch.testing.assert_close(normalise(factor * u), normalise(u))


@given(alignments)
def test_without_a_positive_alignment_all_weights_are_zero(u):
    assert not normalise(-u.abs()).any()


def test_weights_are_proportional_to_positive_alignments():
    assert normalise(torch.tensor([3.0, -5.0, 1.0, 0.0])).tolist() == [0.75, 0, 0.25, 0]
