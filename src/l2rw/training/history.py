"""What a run tells of its training: running sums between evaluations, a line at each."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from l2rw.errors import UserError
from l2rw.training.evaluation import Evaluation
from l2rw.training.spec import RunSpec
from l2rw.weights import WeightedGradient


@dataclass(frozen=True)
class Snapshot:
    """One line of a run's history. Training figures are means since the line before."""

    seed: int
    step: int
    """Steps done."""
    learning_rate: float
    train_loss: float
    """Mean unweighted loss of the examples seen."""
    train_error: float
    """Share of the examples seen that were predicted unlike their given label, in [0, 1]."""
    zero_weights: float
    """Share of the examples seen whose weight was zero, in [0, 1]."""
    test_loss: float
    test_error: float


class Tally:
    """Sums over steps, kept on the device so that no step waits for them."""

    def __init__(self, spec: RunSpec, seeds: Sequence[int], device: torch.device) -> None:
        """Start empty."""
        self._spec, self._seeds = spec, seeds
        self._sums = torch.zeros(3, len(seeds), device=device)
        self._steps = 0

    def add(self, seen: WeightedGradient, labels: Tensor) -> None:
        """Count one step; every tensor has a leading seed dimension."""
        wrong = seen.aux.argmax(-1) != labels
        figures = (seen.losses, wrong.float(), (seen.weights == 0).float())
        self._sums += torch.stack([figure.mean(-1) for figure in figures])
        self._steps += 1

    def means(self) -> list[tuple[float, float, float]]:
        """Return mean loss, error and share of zero weights for each seed.

        Raises:
            UserError: A loss was infinite or NaN.
        """
        means = [(row[0], row[1], row[2]) for row in (self._sums / self._steps).T.tolist()]
        for seed, (loss, _, _) in zip(self._seeds, means, strict=True):
            if not abs(loss) < float("inf"):
                raise UserError(
                    f"The training loss of {self._spec.method}, seed {seed}, became {loss}.",
                    "lower training.learning_rate.",
                )
        return means

    def snapshots(self, step: int, tests: Sequence[Evaluation]) -> list[Snapshot]:
        """Return a line for each seed, given its evaluation after ``step`` (counted from 0)."""
        rate = self._spec.learning_rate_at(step)
        return [
            Snapshot(seed, step + 1, rate, *mean, test.loss, test.error)
            for seed, mean, test in zip(self._seeds, self.means(), tests, strict=True)
        ]
