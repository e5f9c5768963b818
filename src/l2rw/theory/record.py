"""What is seen of trajectories: every step in sums and extremes, a grid of steps in full."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from l2rw.data.splits import Indices
from l2rw.theory.constants import Constants
from l2rw.theory.problems import Problem

Floats = NDArray[np.float64]

GRID_POINTS = 200  # at most, spaced logarithmically
ROUNDING = 1e-12
"""Share of the first clean loss by which an inequality must fail to count as violated."""


class Visits(NamedTuple):
    """Some steps of all trajectories: the points visited and the batches met there."""

    clean_scores: Tensor
    """Shape (steps, trajectories, outputs, M)."""
    products: Tensor
    """⟨∇G, ∇f_i⟩ for the batch, shape (steps, trajectories, n)."""


@dataclass
class Slack:
    """What G(θ_t) - κ 𝒯_t - G(θ_{t+1}) was for some κ; link (a) says that it is never negative."""

    kappa: float
    smallest: float = float("inf")
    """In units of the loss."""
    breaches: int = 0
    """Steps where it was negative, by more than rounding."""

    def count(self, growth: Tensor, alignment: Tensor, rounding: float) -> None:
        """Count steps, given what G grew by and 𝒯_t, both of the same shape."""
        slack = -growth - self.kappa * alignment
        self.smallest = min(self.smallest, float(slack.min()) + 0.0)  # no -0.0
        self.breaches += int((slack < -rounding).sum())


@dataclass
class Descent:
    """How G went from step to step, over all steps of all trajectories."""

    corrected: Slack
    as_printed: Slack
    steps: int = 0
    """Steps counted, those of all trajectories together."""
    growths: int = 0
    """Steps by which G grew, by more than rounding."""
    largest_growth: float = 0.0
    """Largest G(θ_{t+1}) - G(θ_t); 0 if G never grew by more than rounding."""
    largest_growth_at: int | None = None
    """The t of it."""

    def count(self, first: int, losses: Tensor, alignment: Tensor, rounding: float) -> None:
        """Count the steps between consecutive visits, of which ``first`` is the first.

        Args:
            first: Its t.
            losses: G of each visit, shape (visits, trajectories).
            alignment: 𝒯_t of each visit, likewise.
            rounding: What counts as zero, in units of the loss.
        """
        growth = losses.diff(dim=0)
        if not growth.numel():
            return
        self.steps += growth.numel()
        self.growths += int((growth > rounding).sum())
        if (largest := float(growth.max())) > max(self.largest_growth, rounding):
            self.largest_growth = largest
            self.largest_growth_at = first + int(growth.max(1).values.argmax())
        for slack in (self.corrected, self.as_printed):
            slack.count(growth, alignment[:-1], rounding)


@dataclass(frozen=True)
class Record:
    """What was seen of S trajectories of T steps. A visit is a point and the batch met there."""

    mean_squared_gradient: Floats
    """Mean of ‖∇G(θ_t)‖² over trajectories, for every t from 0 to T, shape (T + 1,)."""
    descent: Descent
    total_alignment: Floats
    """Σ 𝒯_t over t from 0 to T, by trajectory, shape (S,)."""
    smallest_mean_alignment: float
    """Least mean of 𝒯_t over trajectories of any t."""
    grid: Indices
    """Steps seen in full, the first and the last among them, shape (g,)."""
    clean_loss: Floats
    """G(θ_t) on the grid, shape (g, S)."""
    squared_gradient: Floats
    """‖∇G(θ_t)‖² on the grid, shape (g, S)."""
    alignment: Floats
    """𝒯_t on the grid, shape (g, S)."""
    expected_alignment: Floats
    """E[𝒯_t | θ_t] on the grid, exactly, shape (g, S)."""
    points: Tensor
    """Scores of all examples on the grid, of the first trajectory, (g, outputs, examples)."""


@dataclass
class _Grid:
    """Lists over the steps of the grid, of what :class:`Record` has."""

    expected_alignment: list[Tensor] = field(default_factory=list)
    points: list[Tensor] = field(default_factory=list)
    clean_loss: list[Tensor] = field(default_factory=list)
    squared_gradient: list[Tensor] = field(default_factory=list)
    alignment: list[Tensor] = field(default_factory=list)


def grid_of(steps: int) -> Indices:
    """Return 0 and about :data:`GRID_POINTS` steps from 1 to ``steps``, spaced logarithmically."""
    spaced = np.geomspace(1, max(steps, 1), GRID_POINTS).round().astype(np.int64)
    return np.union1d([0], spaced[spaced <= steps])


class Observer:
    """Watches trajectories go by and makes a :class:`Record` of them."""

    def __init__(
        self, problem: Problem, constants: Constants, steps: int, trajectories: int
    ) -> None:
        """Args: ``steps`` are those of each trajectory, T."""
        self.grid = grid_of(steps)
        self._problem, self._constants = problem, constants
        self._on_grid = frozenset(self.grid.tolist())
        self._seen = _Grid()
        self._descent = Descent(Slack(constants.kappa), Slack(constants.kappa_as_printed))
        self._rounding = ROUNDING * constants.start_loss
        self._mean = np.empty(steps + 1)
        self._at = 0
        self._total = torch.zeros(trajectories, dtype=torch.float64)
        self._smallest = float("inf")
        # Losses and alignments of the visit before, shape (0 or 1, trajectories).
        self._before = (torch.empty(0, trajectories), torch.empty(0, trajectories))

    def look(self, step: int, scores: Tensor) -> None:
        """See all examples' scores before a step (trajectories, outputs, examples)."""
        if step in self._on_grid:
            products = self._problem.products(scores)[:, self._problem.first_training :]
            copies = self._constants.expected_copies
            self._seen.expected_alignment.append(copies * products.clamp(min=0).square().sum(-1))
            self._seen.points.append(scores[0].clone())

    def count(self, visits: Visits) -> None:
        """Count the next visits."""
        losses = self._problem.clean_loss(visits.clean_scores)
        squared = self._problem.squared_gradient(visits.clean_scores)
        alignment = visits.products.clamp(min=0).square().sum(-1)
        first, self._at = self._at, self._at + len(losses)
        self._mean[first : self._at] = squared.mean(1).numpy()
        self._total += alignment.sum(0)
        self._smallest = min(self._smallest, float(alignment.mean(1).min()))
        if first in self._on_grid:
            self._seen.clean_loss.append(losses[0])
            self._seen.squared_gradient.append(squared[0])
            self._seen.alignment.append(alignment[0])
        losses, alignment = (
            torch.cat([before, now])
            for before, now in zip(self._before, (losses, alignment), strict=True)
        )
        self._descent.count(first - len(self._before[0]), losses, alignment, self._rounding)
        self._before = (losses[-1:], alignment[-1:])

    def record(self) -> Record:
        """Return what was seen of all visits."""
        on_grid = {k: torch.stack(v) for k, v in vars(self._seen).items()}
        points = on_grid.pop("points")
        return Record(
            mean_squared_gradient=self._mean,
            descent=self._descent,
            total_alignment=self._total.numpy(),
            smallest_mean_alignment=self._smallest,
            grid=self.grid,
            points=points,
            **{k: v.numpy() for k, v in on_grid.items()},
        )
