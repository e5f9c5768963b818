"""Passes of one seed's network, as a method asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from l2rw.core import plain
from l2rw.core import weights as transforms
from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters, WeightedGradient
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
            return transforms.weighted_gradient(lambda at: self(at, *batch), parameters, weights)
        loss, moving = self.method.losses, self.buffers
        return plain.weighted_gradient(
            lambda at: self.network.losses(at, *batch, loss, moving=moving), parameters, weights
        )

    def reweighted_gradient(
        self, parameters: Parameters, batch: tuple[Tensor, Any], clean_batch: tuple[Tensor, Any]
    ) -> WeightedGradient:
        """Weigh the examples of a batch by L2RW, and differentiate their weighted loss."""
        if self.algorithm == LAYER_WISE and not any(map(is_own, parameters)):
            loss = self.method.losses
            return self.network.layerwise_gradient(parameters, batch, clean_batch, loss)
        return self.in_forward_mode(parameters, batch, clean_batch)

    def in_forward_mode(
        self, parameters: Parameters, batch: tuple[Tensor, Any], clean_batch: tuple[Tensor, Any]
    ) -> WeightedGradient:
        """Do the same whatever the network is."""
        reweighted = (
            transforms.reweighted_gradient if self.buffers is None else plain.reweighted_gradient
        )
        return reweighted(
            lambda at: self(at, *batch), lambda at: self(at, *clean_batch)[0].mean(), parameters
        )
