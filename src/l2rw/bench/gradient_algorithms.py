"""The gradients compared: functions of (passes, parameters, examples) of one seed."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from l2rw.core.weights import (
    CleanLoss,
    ExampleLosses,
    Parameters,
    WeightedGradient,
    normalise,
    reweighted_gradient_by_double_backward,
)
from l2rw.planning.hours import DOUBLE_BACKWARD, SGD, THREE_PASSES
from l2rw.training.engine.passes import Passes
from l2rw.training.spec import FORWARD_MODE, LAYER_WISE


class Examples(NamedTuple):
    """What a step sees; with a stack of seeds, every tensor has a leading seed dimension."""

    images: Tensor
    """(n, channels, height, width)."""
    labels: Tensor
    """(n,) int64."""
    clean_images: Tensor
    """(m, channels, height, width)."""
    clean_labels: Tensor
    """(m,) int64."""

    @property
    def batch(self) -> tuple[Tensor, Tensor]:
        """Training images and labels."""
        return self.images, self.labels

    @property
    def clean_batch(self) -> tuple[Tensor, Tensor]:
        """Clean images and labels."""
        return self.clean_images, self.clean_labels


Gradient = Callable[[Passes, Parameters, Examples], WeightedGradient]


def uniform(passes: Passes, parameters: Parameters, seen: Examples) -> WeightedGradient:
    """Weigh all examples the same: plain SGD, which leaves the clean examples alone."""
    n = len(seen.labels)
    weights = torch.full((n,), 1 / n, device=seen.images.device)
    return passes.weighted_gradient(parameters, seen.batch, weights)


def layer_wise(passes: Passes, parameters: Parameters, seen: Examples) -> WeightedGradient:
    """Weigh by L2RW layer by layer, which is right where examples are independent."""
    return passes.network.layerwise_gradient(parameters, seen.batch, seen.clean_batch)


def forward_mode(passes: Passes, parameters: Parameters, seen: Examples) -> WeightedGradient:
    """Weigh by L2RW in forward mode, which is right for every network."""
    return passes.in_forward_mode(parameters, seen.batch, seen.clean_batch)


def three_passes(
    losses: ExampleLosses, clean_loss: CleanLoss, parameters: Parameters
) -> WeightedGradient:
    """Run Algorithm 1 line by line in plain autograd, as public implementations do.

    The weights are those of :func:`~l2rw.core.weights.reweighted_gradient`, but the batch passes
    the network twice: once for the look-ahead step, and again for the weighted loss.

    Args:
        losses: Maps parameters to example losses of shape (n,) and anything else worth keeping.
        clean_loss: Maps parameters to the mean loss of the clean batch, a scalar.
        parameters: Where to differentiate.
    """
    at = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    values, _ = losses(at)
    epsilon = torch.zeros_like(values, requires_grad=True)
    step = torch.autograd.grad((epsilon * values).sum(), list(at.values()), create_graph=True)
    ahead = {name: p - s for (name, p), s in zip(at.items(), step, strict=True)}
    (slope,) = torch.autograd.grad(clean_loss(ahead), epsilon)
    weights = normalise(-slope)
    values, aux = losses(at)
    gradient = torch.autograd.grad((weights * values).sum(), list(at.values()))
    aux = tree_map_only(Tensor, Tensor.detach, aux)
    return WeightedGradient(dict(zip(at, gradient, strict=True)), weights, values.detach(), aux)


def _by(reweighted: Callable[[ExampleLosses, CleanLoss, Parameters], WeightedGradient]) -> Gradient:
    def gradient(passes: Passes, parameters: Parameters, seen: Examples) -> WeightedGradient:
        return reweighted(
            lambda at: passes(at, *seen.batch),
            lambda at: passes(at, *seen.clean_batch)[0].mean(),
            parameters,
        )

    return gradient


GRADIENT_ALGORITHMS: dict[str, Gradient] = {
    SGD: uniform,
    LAYER_WISE: layer_wise,
    FORWARD_MODE: forward_mode,
    DOUBLE_BACKWARD: _by(reweighted_gradient_by_double_backward),
    THREE_PASSES: _by(three_passes),
}
