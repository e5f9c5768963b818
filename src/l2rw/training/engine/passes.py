"""Passes of one seed's network, as a method asks for them."""

from typing import Any, NamedTuple

from torch import Tensor

from l2rw.core.weights import Parameters, WeightedGradient, reweighted_gradient
from l2rw.methods.base import Method, is_own
from l2rw.training.engine.network import ForwardOutput, Network
from l2rw.training.spec import FORWARD_MODE, LAYER_WISE


class Passes(NamedTuple):
    """Fulfils :class:`l2rw.methods.base.Losses`."""

    network: Network
    method: Method
    algorithm: str
    """Of the gradient of L2RW; see :func:`algorithm_for`."""

    def __call__(
        self, parameters: Parameters, images: Tensor, targets: Any
    ) -> tuple[Tensor, ForwardOutput]:
        """Pass images through network and loss, in training mode."""
        return self.network.losses(parameters, images, targets, self.method.losses)

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


def algorithm_for(network: Network, stack: int, *, compiled: bool) -> str:
    """Return the fastest way to weigh by L2RW that is right for a network.

    Layer by layer, PyTorch's autograd records what each layer does, so neither several seeds under
    :func:`torch.vmap` nor the compiler can go that way.
    """
    apart = network.examples_are_independent and stack == 1 and not compiled
    return LAYER_WISE if apart else FORWARD_MODE
