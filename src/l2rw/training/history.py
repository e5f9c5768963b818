"""Training figures of a run: running sums between evaluations, one line at each."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from l2rw.core.weights import WeightedGradient

NEVER = 2**62


class Means(NamedTuple):
    """Training figures of one seed, as in :class:`Snapshot`."""

    train_loss: float
    train_error: float
    zero_weights: float


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
    validation_loss: float | None
    """On the hyper-validation set, whose labels are as noisy as the training set's; None if the
    split has none."""
    validation_error: float | None
    squared_clean_gradient: float
    """‖∇G‖² of the loss on the whole clean set, in training mode, parameters as they are now."""
    test_loss: float
    test_error: float

    @property
    def means(self) -> Means:
        """Its training figures."""
        return Means(self.train_loss, self.train_error, self.zero_weights)


class Tally:
    """Sums over steps, kept on the device so that no step waits for them."""

    def __init__(self, stack: int, device: torch.device) -> None:
        """Start empty, for ``stack`` seeds."""
        self.sums = torch.zeros(len(Means._fields), stack, device=device)
        self.first_bad = torch.full((stack,), NEVER, device=device)
        """The first step (counted from 1) whose loss was infinite or NaN, by seed."""
        self.steps = torch.zeros((), dtype=torch.int64, device=device)
        """Steps that the sums are of, scalar."""

    def add(self, step: Tensor | int, seen: WeightedGradient, labels: Tensor) -> None:
        """Count a step (from 1); every tensor has a leading seed dimension."""
        wrong = seen.aux.logits.argmax(-1) != labels
        figures = (seen.losses, wrong.float(), (seen.weights == 0).float())
        means = torch.stack([figure.mean(-1) for figure in figures])
        self.sums += means
        self.first_bad.clamp_(max=torch.where(means[0].isfinite(), NEVER, step))
        self.steps += 1

    def means(self) -> list[Means]:
        """Return the means by seed."""
        return [Means(*row) for row in (self.sums / self.steps).T.tolist()]

    def first_bad_step(self) -> tuple[int, int] | None:
        """Return (place in the stack, step) of the first infinite or NaN loss, if there was one."""
        step, index = self.first_bad.min(0)
        return None if step == NEVER else (int(index), int(step))

    def clear(self) -> None:
        """Reset the sums; the first bad step is kept."""
        self.sums.zero_()
        self.steps.zero_()
