"""The random batches of a simulation, addressed by step and trajectory."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from l2rw.data.splits import Indices
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator
from l2rw.theory.spec import SimulationSpec

BLOCK = 512  # steps drawn at once


class Batches:
    """Batches drawn afresh at every step, uniformly without replacement.

    What a trajectory draws at a step depends on (seed, trajectory, step) alone: not on how many
    trajectories there are, nor on how long they go.
    """

    def __init__(self, spec: SimulationSpec, training_size: int, seed: int) -> None:
        """Prepare to draw.

        Args:
            spec: Says how large batches are, how many trajectories there are, and whether a batch
                is aligned.
            training_size: Number of examples to draw from.
            seed: Seed of the run.
        """
        size = spec.batch_size
        if size > training_size and not spec.aligned:
            raise UserError(
                f"A batch of {size} different examples cannot be drawn from {training_size}.",
                "lower batch_size, or set aligned for copies of one example.",
            )

        def draw(number: int, trajectory: int) -> Indices:
            random = generator("theory batch", seed, trajectory + 2**32 * number)
            if spec.aligned:
                return np.repeat(random.integers(training_size, size=(BLOCK, 1)), size, axis=1)
            ends = np.arange(training_size - size, training_size)
            return random.integers(ends + 1, size=(BLOCK, size))

        @lru_cache(maxsize=2)
        def block(number: int) -> Indices:
            drawn = np.stack([draw(number, lane) for lane in range(spec.trajectories)], axis=1)
            return drawn if spec.aligned else subsets(drawn, training_size)

        self._block = block

    def take(self, start: int, count: int) -> Indices:
        """Return the positions drawn at steps ``start`` to ``start + count``.

        Returns:
            Positions among the training examples, shape (count, trajectories, n).
        """
        first, last = start // BLOCK, (start + count - 1) // BLOCK
        blocks = [self._block(number) for number in range(first, last + 1)]
        drawn = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return drawn[start - first * BLOCK :][:count]


def subsets(draws: NDArray[np.int64], size: int) -> Indices:
    """Turn independent draws into uniform subsets, by Floyd's algorithm.

    Args:
        draws: The k-th of the last dimension is uniform on 0 to ``size - n + k``, shape (..., n).
        size: Number of items to draw from.

    Returns:
        n different items, every set of n as likely, shape (..., n).
    """
    chosen = draws.copy()
    first_end = size - draws.shape[-1]
    for k in range(1, draws.shape[-1]):
        again = (chosen[..., :k] == draws[..., k, None]).any(-1)
        chosen[..., k] = np.where(again, first_end + k, draws[..., k])
    return chosen
