"""The gradients of :mod:`l2rw.core.weights` in plain autograd, for a single uncompiled network.

Transforms of :mod:`torch.func` wrap every tensor of every operation; without them ResNet-32 takes a
twentieth less time on a CPU. What is computed is the same.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._pytree import tree_map_only

from l2rw.core.weights import CleanLoss, ExampleLosses, Parameters, WeightedGradient, normalise


def weighted_gradient(
    losses: ExampleLosses, parameters: Parameters, weights: Tensor | Callable[[Tensor], Tensor]
) -> WeightedGradient:
    """Do the same as :func:`l2rw.core.weights.weighted_gradient`."""
    at = _leaves(parameters)
    values, aux = losses(at)
    if not isinstance(weights, Tensor):
        weights = weights(values.detach())
    return _finished(at, values, aux, weights)


def reweighted_gradient(
    losses: ExampleLosses, clean_loss: CleanLoss, parameters: Parameters
) -> WeightedGradient:
    """Do the same as :func:`l2rw.core.weights.reweighted_gradient`."""
    load_forward_derivatives()
    at = _leaves(parameters)
    clean_gradient = _gradient(clean_loss(at), at, None)
    with forward_ad.dual_level():
        values, aux = losses({name: dual(p, clean_gradient[name]) for name, p in at.items()})
        values, alignments = forward_ad.unpack_dual(values)  # type: ignore[no-untyped-call]
        aux = tree_map_only(Tensor, Tensor.detach, aux)
    return _finished(at, values, aux, normalise(alignments.detach()))


def dual(primal: Tensor, tangent: Tensor) -> Tensor:
    """Return ``primal`` with a tangent, on the present level."""
    result: Tensor = forward_ad.make_dual(primal, tangent)  # type: ignore[no-untyped-call]
    return result


@cache
def load_forward_derivatives() -> None:
    """Load, once, what PyTorch warns of: decompositions that use its own deprecated code."""
    with warnings.catch_warnings(action="ignore"), forward_ad.dual_level():
        dual(torch.zeros(1), torch.ones(1))


def _leaves(parameters: Parameters) -> Parameters:
    return {name: p.detach().requires_grad_() for name, p in parameters.items()}


def _finished(at: Parameters, values: Tensor, aux: Any, weights: Tensor) -> WeightedGradient:
    gradient = _gradient(values, at, weights)
    aux = tree_map_only(Tensor, Tensor.detach, aux)
    return WeightedGradient(gradient, weights, values.detach(), aux)


def _gradient(values: Tensor, at: Parameters, cotangent: Tensor | None) -> Parameters:
    found = torch.autograd.grad(
        values, list(at.values()), cotangent, allow_unused=True, materialize_grads=True
    )
    return dict(zip(at, found, strict=True))
