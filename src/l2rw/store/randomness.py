"""Counter-based randomness: what a seed draws at a step is a function of (axis, seed, step).

Every source of chance has its own axis, so all methods of a seed share split and initial values,
those that draw uniformly from the same images also their order (comparisons are paired), and a
resumed run needs no generator state.
"""

import zlib
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

Axis = Literal[
    "split",
    "noise",
    "initialisation",
    "batch",
    "clean batch",
    "random weights",
    "dropout",
    "augmentation",
    "probe",
    "mixup",
    "example dropout",
    "partners",
    "smote",
    "mentor",
    "method parameters",
    "theory batch",
    "theory bootstrap",
    "pick",
]


def generator(axis: Axis, seed: int, counter: int = 0) -> np.random.Generator:
    """Return a NumPy generator that depends on nothing but its arguments.

    Args:
        axis: What the numbers are for.
        seed: Seed of the run, >= 0.
        counter: Step, epoch or any other index, >= 0.
    """
    entropy = (zlib.crc32(axis.encode()), seed, counter)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def torch_generator(axis: Axis, seed: int, counter: int = 0) -> "torch.Generator":
    """Return a CPU :class:`torch.Generator` that depends on nothing but its arguments."""
    import torch

    state = generator(axis, seed, counter).integers(2**63, dtype=np.int64)
    return torch.Generator().manual_seed(int(state))
