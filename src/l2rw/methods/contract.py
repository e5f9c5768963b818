"""What every method answers: which examples a step sees, their losses, the gradient it follows."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.weights import Parameters, WeightedGradient, weighted_gradient
from l2rw.data.splits import Indices, Part
from l2rw.data.streams import Stream


class Batch(NamedTuple):
    """Examples of one step of one seed."""

    images: Tensor
    """(n, channels, height, width), floating point."""
    labels: Tensor
    """(n,) int64."""
    extra: dict[str, Tensor]
    """What the method asked for beside: its constants, its noise, ``clean_images`` and
    ``clean_labels`` if guided by the clean set. ``positions`` (n,) are those of the examples in the
    training part."""


class Given(NamedTuple):
    """What a method may know of a run before the first step."""

    train: Part
    """The training examples."""
    classes: int
    """Number of logits."""
    transition: NDArray[np.float64] | None
    """Probability of a given label (column) for an image of a class (row), (classes, classes), as
    an earlier run estimates it; None for methods that wait for none."""


Losses = Callable[[Parameters, Tensor, Tensor], tuple[Tensor, Any]]
"""Maps (parameters, images, labels) to example losses (n,) and what else the pass yields: a named
tuple with ``logits`` (n, classes) and batch ``statistics``."""


class ExampleOrder(Protocol):
    """Yields positions of training examples by place; see :mod:`l2rw.data.streams`."""

    def take(self, start: int, count: int) -> Indices:
        """Return the positions at places ``start`` to ``start + count``, shape (count,)."""


class Method:
    """Uniform weights on shuffled passes over the training set; methods override what differs.

    :meth:`gradient` is run under :func:`torch.vmap` when several seeds train at once: shapes may
    not depend on values.
    """

    candidates: ClassVar[int] = 1
    """Examples drawn for each place in the batch."""

    def order(self, train: Part, seed: int) -> ExampleOrder:
        """Return the order in which training examples are drawn, as positions in ``train``."""
        return Stream(train.indices, "batch", seed)

    def parameters(self, given: Given) -> dict[str, NDArray[np.float32]]:
        """Return initial values of parameters that are trained beside the network's, by name."""
        return {}

    def constants(self, given: Given) -> dict[str, NDArray[np.float32]]:
        """Return what steps need of the whole training set, by name in :attr:`Batch.extra`."""
        return {}

    def noise(self, batch_size: int, seed: int, step: int) -> dict[str, NDArray[np.float32]]:
        """Return the method's own random numbers of a step, by name in :attr:`Batch.extra`."""
        return {}

    def losses(self, logits: Tensor, labels: Tensor, own: Parameters) -> Tensor:
        """Return example losses, shape (n,).

        Args:
            logits: Of the network, shape (n, classes).
            labels: As given, shape (n,).
            own: What :meth:`parameters` began as.
        """
        return F.cross_entropy(logits, labels, reduction="none")

    def weights(self, batch: Batch) -> Tensor:
        """Return example weights known before the pass, shape (n,)."""
        n = len(batch.labels)
        return torch.full((n,), 1 / n, dtype=batch.images.dtype, device=batch.images.device)

    def gradient(self, losses: Losses, parameters: Parameters, batch: Batch) -> WeightedGradient:
        """Return the gradient to follow; ``aux`` is what else the training pass yields."""
        return weighted_gradient(
            lambda at: losses(at, batch.images, batch.labels), parameters, self.weights(batch)
        )
