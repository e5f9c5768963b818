"""What every method answers: which examples a step sees, their losses, the gradient it follows.

A method is written for one seed. Its hooks on tensors (:meth:`Method.examples`, ``losses``,
``weights``, ``gradient`` and ``update``) run under :func:`torch.vmap` when several seeds train at
once, and may be captured and replayed: shapes may not depend on values, nothing may be asked of a
tensor on the host, and the step and its learning rate are tensors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.data.datasets.dataset import Images
from l2rw.data.splits import EMPTY, Indices, Part
from l2rw.data.streams import Stream
from l2rw.methods.settings import NoSettings
from l2rw.models.initialisation import Model

METHOD_PREFIX = "method."
"""Begins the names of parameters that belong to the method, not to the network."""

Arrays = dict[str, NDArray[Any]]
"""NumPy arrays by name."""
MethodState = dict[str, Tensor]
"""What a method remembers between steps, by name."""


class Batch(NamedTuple):
    """What one step of one seed sees."""

    images: Tensor
    """(n, channels, height, width), floating point."""
    labels: Tensor
    """As given, (n,) int64."""
    positions: Tensor
    """Of the examples in the training part, (n,) int64."""
    step: Tensor
    """Counted from 0, scalar int64."""
    learning_rate: Tensor
    """The network's of this step, scalar float64."""
    extra: dict[str, Tensor]
    """The method's random draws by name; ``clean_images`` (m, …) and ``clean_labels`` (m,) if it is
    guided by the clean set."""


@dataclass(frozen=True)
class TrainingContext:
    """What a method may know of one seed's run before the first step."""

    train: Part
    """The training examples."""
    clean: Part
    """The clean set; its examples may be among the training examples, too."""
    classes: int
    """Number of logits."""
    seed: int
    steps: int
    """Of the whole run."""
    initial: Arrays
    """The network's parameters and buffers before the first step."""
    transition: NDArray[np.float64] | None
    """Probability of a given label (column) for an image of a class (row), (classes, classes), as
    an earlier run estimates it; None for methods that wait for none."""
    validation: Part = EMPTY
    """The hyper-validation set; empty where an experiment has none."""
    images: Images | None = None
    """Of the data set's training half, which parts index, (M, channels, height, width) uint8."""
    parent_probabilities: Callable[[Part], NDArray[np.float64]] | None = None
    """What the network of the earlier run predicts for the images of a part, (n, classes); None
    for methods that wait for none."""
    parent_own: Arrays = field(default_factory=dict)
    """What that run trained beside its network, by the names of :meth:`Method.parameters`."""

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Which training examples are of the clean set, shape (N,)."""
        trusted: NDArray[np.bool_] = np.isin(self.train.indices, self.clean.indices)
        return trusted


class StepResult(NamedTuple):
    """What a step of one seed saw and did."""

    batch: Batch
    losses: Tensor
    """Of the examples, unweighted, (n,)."""
    weights: Tensor
    """Of the examples, (n,)."""
    logits: Tensor
    """(n, classes), of the training pass."""
    parameters: Parameters
    """As the step left them. :meth:`Method.update` may change them in place."""
    velocity: Parameters
    """The optimiser's first moments; may be changed in place likewise."""
    buffers: Tensors
    """As the step left them."""


class Review(NamedTuple):
    """What :meth:`Method.review` sees of one seed's run; tensors may be changed in place."""

    step: int
    """Steps done."""
    predicted: NDArray[np.int64]
    """What the network takes the training examples for, in evaluation mode, (N,)."""
    variables: Sequence[Parameters]
    """The parameters, then the optimiser's first and second moments, if any."""
    buffers: Tensors


@dataclass(frozen=True)
class Optimizer:
    """A rule by which parameters follow their gradient, as :mod:`torch.optim` has it."""

    algorithm: str
    """``sgd``, ``adam`` or ``adamw``."""
    learning_rate: float
    momentum: float = 0.9
    """Of SGD; Adam's first β."""
    nesterov: bool = False
    weight_decay: float = 0.0


class Losses(Protocol):
    """Passes of the network and :meth:`Method.losses` in training mode."""

    def __call__(self, parameters: Parameters, images: Tensor, targets: Any) -> tuple[Tensor, Any]:
        """Return example losses (n,) and what else the pass yields.

        That is a named tuple with ``logits`` (n, classes) and batch ``statistics``.
        """

    def weighted_gradient(
        self,
        parameters: Parameters,
        batch: tuple[Tensor, Any],
        weights: Tensor | Callable[[Tensor], Tensor],
    ) -> WeightedGradient:
        """Differentiate the weighted loss of a batch, the weights being constants.

        Args:
            parameters: Where to differentiate.
            batch: Images and targets.
            weights: Of the examples, (n,), or a function of their losses (n,) that returns them.
        """

    def reweighted_gradient(
        self, parameters: Parameters, batch: tuple[Tensor, Any], clean_batch: tuple[Tensor, Any]
    ) -> WeightedGradient:
        """Weigh by L2RW (:mod:`l2rw.core.weights`), in the fastest exact way for the network.

        Args:
            parameters: Where to differentiate.
            batch: Images and targets to weigh.
            clean_batch: Images and targets whose mean loss the weights are to lower.
        """


AdvanceOwn = Callable[[Parameters], Parameters]
"""Maps the gradient of the method's own parameters, by name, to what its own optimiser will make of
them in this step."""

Forward = Callable[[Parameters, Tensors, Tensor], Tensor]
"""Maps (parameters, buffers, images) to the network's logits (n, classes) in evaluation mode."""


class ExampleOrder(Protocol):
    """Yields positions of training examples by place; see :mod:`l2rw.data.streams`."""

    def take(self, start: int, count: int) -> Indices:
        """Return the positions at places ``start`` to ``start + count``, shape (count,)."""


class Method:
    """Uniform weights on shuffled passes over the training set; methods override what differs."""

    Settings: ClassVar[type[Any]] = NoSettings
    """Class of the hyperparameters, as the method's record says."""
    candidates: ClassVar[int] = 1
    """Examples drawn for each place in the batch."""

    def __init__(self, settings: Any = None) -> None:
        """Args: ``settings`` is of the class ``Settings``; the defaults if None."""
        self.settings = self.Settings() if settings is None else settings

    # Before the first step, on the host.

    def adapt(self, model: Model) -> Model:
        """Return the network to train, such as the model with another output layer."""
        return model

    def order(self, train: Part, seed: int) -> ExampleOrder:
        """Return the order in which training examples are drawn, as positions in ``train``."""
        return Stream(train.indices, "batch", seed)

    def parameters(self, context: TrainingContext) -> dict[str, NDArray[np.float32]]:
        """Return initial values of parameters that are trained beside the network's, by name."""
        return {}

    def own_optimizer(self) -> Optimizer | None:
        """Return the optimiser of the method's own parameters, Adam or AdamW.

        If None they move with the network's, but for weight decay: zero is no neutral place.
        """
        return None

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return the state before the first step, by name: tables, memories, counters.

        It is kept on the device, part of every checkpoint, and changed by :meth:`update` alone.
        """
        return {}

    def partners(self, context: TrainingContext) -> Indices | None:
        """Return the training examples that each may be combined with, as positions, (N, k).

        A step draws one for each example that it sees, whose images, moved and mirrored alike, are
        ``partner_images`` in :attr:`Batch.extra`.
        """
        return None

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return the method's own random numbers of a step, by name in :attr:`Batch.extra`."""
        return {}

    # In a step, on the device.

    def examples(self, batch: Batch, state: MethodState) -> tuple[Tensor, Any]:
        """Return images and targets of the training pass: whatever :meth:`losses` takes."""
        return batch.images, batch.labels

    def losses(self, logits: Tensor, targets: Any, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,).

        Args:
            logits: Of the network, shape (n, classes).
            targets: As :meth:`examples` returns them: labels (n,), distributions (n, classes), …
            parameters: The method's own, by the names of :meth:`parameters`.
        """
        return F.cross_entropy(logits, targets, reduction="none")

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return example weights, shape (n,), once their losses are known, shape (n,)."""
        n = len(batch.labels)
        return torch.full((n,), 1 / n, dtype=batch.images.dtype, device=batch.images.device)

    def gradient(
        self,
        losses: Losses,
        parameters: Parameters,
        batch: Batch,
        state: MethodState,
        advance_own: AdvanceOwn,
    ) -> WeightedGradient:
        """Return the gradient to follow; ``aux`` is what else the training pass yields.

        Args:
            losses: Passes images and targets through network and :meth:`losses`.
            parameters: The network's, and the method's own, whose names begin with
                :data:`METHOD_PREFIX`.
            batch: What the step sees.
            state: To be read only.
            advance_own: What the method's own optimiser makes of a gradient.
        """
        return losses.weighted_gradient(
            parameters,
            self.examples(batch, state),
            lambda values: self.weights(batch, state, values),
        )

    def update(self, state: MethodState, result: StepResult) -> None:
        """Change the state in place after a step."""

    # Between steps, on the host.

    def reviews_after(self, step: int, steps: int) -> bool:
        """Whether :meth:`review` follows once ``step`` of all ``steps`` are done."""
        return False

    def review(self, state: MethodState, seen: Review) -> None:
        """Change state and network in place, knowing the predictions for all training examples."""

    # In an evaluation.

    def predictor(
        self, parameters: Parameters, buffers: Tensors, state: MethodState
    ) -> tuple[Parameters, Tensors]:
        """Return the parameters and buffers that are evaluated and kept, such as averages."""
        return parameters, buffers

    def predict(
        self,
        forward: Forward,
        parameters: Parameters,
        buffers: Tensors,
        state: MethodState,
        images: Tensor,
    ) -> Tensor:
        """Return logits (n, classes), or the logarithms of a vote's shares."""
        return forward(*self.predictor(parameters, buffers, state), images)


def is_own(name: str) -> bool:
    """Whether a parameter belongs to the method."""
    return name.startswith(METHOD_PREFIX)


def own_of(parameters: Parameters) -> Parameters:
    """Return the method's own parameters by the names that the method gave them."""
    return {n.removeprefix(METHOD_PREFIX): p for n, p in parameters.items() if is_own(n)}
