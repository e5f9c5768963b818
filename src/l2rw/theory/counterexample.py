"""Where Lemma 1 fails as printed: in one dimension always, on real images wherever we find it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from l2rw.theory.constants import Constants, constants_of
from l2rw.theory.problems import Problem, huber_problem
from l2rw.theory.record import ROUNDING
from l2rw.theory.simulate import Walk
from l2rw.theory.spec import SimulationSpec

BATCH_SIZES = range(2, 65)


class Counterexample(NamedTuple):
    """One step from θ_0 = 1 on n copies of one example, f = G = Huber loss: L = σ = 1."""

    batch_size: int
    """n."""
    start_loss: float
    """G(θ_0)."""
    step_size_as_printed: float
    """The largest α that Lemma 1 allows as printed, 2 n / (L σ²)."""
    loss_as_printed: float
    """G(θ_1) after a step of that size."""
    predicted_as_printed: float
    """What it should be in closed form: θ_1 = 1 - 2 n, so G = 2 n - 3/2."""
    step_size: float
    """The largest α that the corrected lemma allows, 2 / (L σ²)."""
    loss: float
    """G(θ_1) after a step of that size."""
    predicted: float
    """What it should be in closed form: θ_1 = -1, so G = 1/2, as before: no α beyond will do."""


def counterexamples(batch_sizes: Iterable[int] = BATCH_SIZES) -> list[Counterexample]:
    """Take the steps, for every batch size n."""
    rows = []
    for n in batch_sizes:
        at_limit, as_printed = _huber_step(n, 1), _huber_step(n, n)
        start = at_limit[0].start_loss
        printed = (as_printed[0].step_size, as_printed[1], 2 * n - 1.5)
        rows.append(Counterexample(n, start, *printed, at_limit[0].step_size, at_limit[1], 0.5))
    return rows


def _huber_step(batch_size: int, limit_fraction: float) -> tuple[Constants, float]:
    """Return the constants and G after one step."""
    spec = SimulationSpec("huber", "l2rw", limit_fraction, batch_size, 1, 1, aligned=True)
    problem = huber_problem()
    constants = constants_of(problem, spec)
    walk = Walk(problem, spec, constants)
    walk.take(torch.zeros(1, 1, batch_size, dtype=torch.int64).numpy())
    return constants, float(problem.clean_loss(walk.scores))


@dataclass(frozen=True)
class Search:
    """Steps on n copies of one training example, with the largest step size as printed."""

    points: int
    """Points from which steps were tried."""
    steps: int
    """Steps tried: of every point, one with each training example."""
    moving: int
    """Steps whose example had a positive weight."""
    failures: int
    """Steps by which G grew, beyond rounding: Lemma 1 as printed denies that there are any."""
    largest_growth: float
    """Of G; 0 if there is no failure."""
    largest_relative_growth: float
    """Largest growth over the G before it; 0 if there is no failure."""


def search_printed_failure(problem: Problem, points: Tensor, constants: Constants) -> Search:
    """Look for failures of Lemma 1 as printed on a problem.

    The batches are allowed: any batch is, and a training set may hold an example n times. As the
    proof loses a factor that only gradients which point the same way attain, they are the worst.

    Args:
        problem: A problem.
        points: From where to step, scores of all examples, (points, outputs, examples).
        constants: Of the problem for batches of n.
    """
    rate = constants.limit_as_printed / constants.batch_size
    moving = failures = 0
    largest = relative = 0.0
    for scores in points:
        after, weights = _one_step_each(problem, scores, rate * constants.batch_size)
        before = problem.clean_loss(scores)
        growth = after - before
        growth[growth <= ROUNDING * constants.start_loss] = 0
        moving += int((weights > 0).sum())
        failures += int((growth > 0).sum())
        largest = max(largest, float(growth.max()))
        relative = max(relative, float((growth / before).max()))
    steps = len(points) * problem.training_size
    return Search(len(points), steps, moving, failures, largest, relative)


def _one_step_each(problem: Problem, scores: Tensor, step_size: float) -> tuple[Tensor, Tensor]:
    """Step from one point with copies of each training example in turn.

    Args:
        problem: A problem.
        scores: The point, (outputs, examples).
        step_size: α; n copies sum to n times the example, which the n of α/n cancels.

    Returns:
        G after each step and the weight of each example, both of shape (N,).
    """
    first, clean = problem.first_training, problem.clean_size
    weights = problem.products(scores)[first:].clamp(min=0)
    slopes = problem.loss.slopes(scores, problem.targets)[:, first:]
    moves = (weights * slopes).T[:, :, None] * problem.gram[first:, None, :clean]
    return problem.clean_loss(scores[:, :clean] - step_size * moves), weights
