"""Passes of one seed's network, as a method asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import (
    Parameters,
    WeightedGradient,
    reweighted_gradient,
    weighted_gradient,
)
from l2rw.methods.base import Method, is_own
from l2rw.training.engine.network import ForwardOutput, Network
from l2rw.training.spec import FORWARD_MODE, LAYER_WISE


@dataclass(frozen=True)
class Passes:
    """Fulfils :class:`l2rw.methods.base.Losses`."""

    network: Network
    method: Method
    buffers: Tensors | None
    """The network's, for passes in plain autograd, which costs the host least. None where only
    transforms will do: under :func:`torch.vmap`, and for the compiler."""

    @property
    def algorithm(self) -> str:
        """How the gradient of L2RW is computed: layer by layer where that is right and possible."""
        plain = self.buffers is not None
        return LAYER_WISE if plain and self.network.examples_are_independent else FORWARD_MODE

    def __call__(
        self, parameters: Parameters, images: Tensor, targets: Any
    ) -> tuple[Tensor, ForwardOutput]:
        """Pass images through network and loss, in training mode."""
        return self.network.losses(parameters, images, targets, self.method.losses)

    def weighted_gradient(
        self,
        parameters: Parameters,
        batch: tuple[Tensor, Any],
        weights: Tensor | Callable[[Tensor], Tensor],
    ) -> WeightedGradient:
        """Differentiate the weighted loss of a batch, the weights being constants."""
        if self.buffers is None:
            return weighted_gradient(lambda at: self(at, *batch), parameters, weights)
        at = {name: p.detach().requires_grad_() for name, p in parameters.items()}
        loss = self.method.losses
        values, seen = self.network.losses(at, *batch, loss, moving=self.buffers)
        losses = values.detach()
        if not isinstance(weights, Tensor):
            weights = weights(losses)
        found = torch.autograd.grad(
            values, list(at.values()), weights, allow_unused=True, materialize_grads=True
        )
        seen = ForwardOutput(seen.logits.detach(), seen.statistics)
        return WeightedGradient(dict(zip(at, found, strict=True)), weights, losses, seen)

    def reweighted_gradient(
        self, parameters: Parameters, batch: tuple[Tensor, Any], clean_batch: tuple[Tensor, Any]
    ) -> WeightedGradient:
        """Weigh the examples of a batch by L2RW, and differentiate their weighted loss."""
        if self.algorithm == LAYER_WISE and not any(map(is_own, parameters)):
            loss = self.method.losses
            return self.network.layerwise_gradient(parameters, batch, clean_batch, loss)
        return reweighted_gradient(
            lambda at: self(at, *batch), lambda at: self(at, *clean_batch)[0].mean(), parameters
        )
