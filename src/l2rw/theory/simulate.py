"""Trajectories of the update that the theory analyses, many at a time."""

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from l2rw.data.splits import Indices
from l2rw.theory.batches import BLOCK, Batches
from l2rw.theory.constants import Constants
from l2rw.theory.problems import Problem
from l2rw.theory.record import Observer, Record, Visits
from l2rw.theory.spec import SimulationSpec, Weighting


def simulate(problem: Problem, spec: SimulationSpec, constants: Constants, seed: int) -> Record:
    """Run the trajectories and watch every step of each.

    As gradients are bounded by σ and weights by σ², no step is longer than α σ³, whether or not the
    theorem applies: G may grow in a control, but nothing overflows.

    Args:
        problem: What to minimise.
        spec: How.
        constants: Of the problem under the settings; the step size is theirs.
        seed: Seed of the run.
    """
    batches = Batches(spec, problem.training_size, seed)
    walk = Walk(problem, spec, constants)
    observer = Observer(problem, constants, spec.steps, spec.trajectories)
    starts = np.union1d(observer.grid, np.arange(0, spec.steps + 1, BLOCK))
    # The point after the last step is visited too, and with it a batch that moves nobody on.
    ends = np.append(starts[1:], spec.steps + 1)
    for start, end in tqdm(list(zip(starts.tolist(), ends.tolist(), strict=True)), disable=None):
        observer.look(start, walk.scores)
        observer.count(walk.take(batches.take(start, end - start)))
    return observer.record()


class Walk:
    """Where all trajectories are, as scores of all examples, and how they go on."""

    def __init__(self, problem: Problem, spec: SimulationSpec, constants: Constants) -> None:
        """Args: the weights are those of ``spec``, the step size is that of ``constants``."""
        self.scores = problem.start.repeat(spec.trajectories, 1, 1)
        """Shape (trajectories, outputs, examples)."""
        self._problem, self._weighting = problem, spec.weighting
        self._rate = constants.step_size / constants.batch_size
        self._equal_weight = constants.gradient_bound**2

    def take(self, positions: Indices) -> Visits:
        """Visit some points, each followed by the step that its batch leads to.

        Args:
            positions: Of the batches among the training examples, (steps, trajectories, n).
        """
        problem, clean = self._problem, self._problem.clean_size
        batches = torch.from_numpy(positions) + problem.first_training
        (steps, lanes, n), outputs = batches.shape, len(problem.targets)
        seen = torch.cat([torch.arange(clean).expand(steps, lanes, clean), batches], dim=2)
        seen = seen[:, :, None].expand(-1, -1, outputs, -1).contiguous()
        targets = problem.targets.expand(steps, lanes, -1, -1).gather(3, seen)
        clean_scores = torch.empty(steps, lanes, outputs, clean, dtype=targets.dtype)
        products = torch.empty(steps, lanes, 1, n, dtype=targets.dtype)
        # Unbound beforehand: indexing would take longer than the arithmetic of a step.
        for batch, of_all, target, kept, product in zip(
            *(tensor.unbind() for tensor in (batches, seen, targets, clean_scores, products)),
            strict=True,
        ):
            scores = self.scores.gather(2, of_all)
            kept.copy_(scores[:, :, :clean])
            self._step(batch, problem.loss.slopes(scores, target), product)
        return Visits(clean_scores, products.squeeze(2))

    def _step(self, batch: Tensor, slopes: Tensor, product: Tensor) -> None:
        """Move the scores by one step.

        Args:
            batch: Positions among all examples, shape (trajectories, n).
            slopes: Of the clean examples and the batch, (trajectories, outputs, M + n).
            product: Where ⟨∇G, ∇f_i⟩ of the batch goes, (trajectories, 1, n).
        """
        problem, clean = self._problem, self._problem.clean_size
        rows = problem.gram.index_select(0, batch.flatten()).view(*batch.shape, -1)
        of_clean, of_batch = slopes[:, :, :clean], slopes[:, :, clean:]
        pulls = torch.bmm(of_clean, rows[:, :, :clean].mT)
        torch.sum(of_batch * pulls, dim=1, keepdim=True, out=product).div_(clean)
        weights = example_weights(product, self._weighting, self._equal_weight)
        self.scores.baddbmm_(weights * of_batch, rows, alpha=-self._rate)


def example_weights(products: Tensor, weighting: Weighting, equal_weight: float) -> Tensor:
    """Return what each example's gradient is multiplied by, apart from α/n.

    Args:
        products: ⟨∇G, ∇f_i⟩, any shape.
        weighting: One of :data:`~l2rw.theory.spec.Weighting`.
        equal_weight: The weight of every example where the clean set does not guide.
    """
    if weighting == "unguided":
        return torch.full_like(products, equal_weight)
    positive = products.clamp(min=0)
    return -positive if weighting == "ascent" else positive
