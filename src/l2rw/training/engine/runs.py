"""What a run begins with, and what it results in."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.data.splits import Part, Split
from l2rw.training.evaluation import Evaluation
from l2rw.training.history import Snapshot


@dataclass(frozen=True)
class Start:
    """What a run begins with."""

    seed: int
    split: Split
    parent: tuple[Parameters, Tensors] | None = None
    """Parameters and buffers of the trained network that the run waited for, if any."""
    parent_own: Tensors = field(default_factory=dict)
    """What the method of that run trained beside the network, by name."""
    initial: tuple[Parameters, Tensors] | None = None
    """Parameters and buffers to begin with if they are not drawn."""


@dataclass(frozen=True)
class Evaluations:
    """A network's performance on held-out examples."""

    test: Evaluation
    validation: Evaluation | None
    """On the hyper-validation set, under its noisy labels; None if the split has none."""
    squared_clean_gradient: float
    """‖∇G‖² of the loss on the whole clean set."""


@dataclass(frozen=True)
class Run:
    """The result of training with one seed."""

    seed: int
    history: list[Snapshot]
    final: Evaluations
    """After the last step."""
    train: Part
    """The training examples."""
    predicted: NDArray[np.int64]
    """The trained network's predictions for the training examples, shape (N,)."""
    mean_weights: NDArray[np.float32]
    """Mean weights of the training examples over the steps that saw them, in units of the weight
    in plain averaging, shape (N,); NaN for examples that were never seen."""
    network: Tensors
    """Parameters and buffers that were evaluated after the last step."""
    estimated_wrong: int | None = None
    """How many labels of the training examples seem wrong, see :mod:`l2rw.training.wrong_labels`;
    None without hyper-validation set, or where that or the clean set alone was trained on."""
