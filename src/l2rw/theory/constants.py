"""The constants of Lemma 1 and Theorem 2 for a problem, as printed and corrected."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch

from l2rw.theory.infimum import infimum
from l2rw.theory.problems import Problem
from l2rw.theory.spec import SimulationSpec


@dataclass(frozen=True)
class Constants:
    """Constants of a problem, and what follows from them for batches and a step size."""

    smoothness: float
    """L, a Lipschitz constant of ∇G: see :func:`smoothness`."""
    gradient_bound: float
    """σ, a bound of ‖∇f_i‖: see :func:`gradient_bound`."""
    training_size: int
    """N."""
    clean_size: int
    """M."""
    batch_size: int
    """n."""
    contained: bool
    """Whether the clean examples are training examples; the theorem needs it."""
    containment: float
    """p, the probability that a batch has a given training example: n/N, but 1/N for copies of one
    example."""
    expected_copies: float
    """Expected number of times that a batch has a given training example: n/N."""
    step_size: float
    """α."""
    start_loss: float
    """G(θ_0)."""
    infimum: float
    """A lower bound of G* = inf G: see :func:`~l2rw.theory.infimum.infimum`."""

    @property
    def limit(self) -> float:
        """Largest α that Lemma 1 allows once corrected: 2 / (L σ²)."""
        return 2 / (self.smoothness * self.gradient_bound**2)

    @property
    def limit_as_printed(self) -> float:
        """Largest α that Lemma 1 allows as printed: 2 n / (L σ²)."""
        return self.batch_size * self.limit

    @property
    def best_step_size(self) -> float:
        """The α of the largest κ, hence the smallest C: 1 / (L σ²)."""
        return self.limit / 2

    @property
    def kappa(self) -> float:
        """κ = (α/n) (1 - L α σ² / 2), corrected: G falls by at least κ 𝒯_t at step t."""
        return self._kappa(self.step_size)

    @property
    def kappa_as_printed(self) -> float:
        """κ = (α/n) (1 - L α σ² / (2 n)), as the proof has it."""
        return self.step_size / self.batch_size * (1 - self.step_size / self.limit_as_printed)

    @property
    def gap(self) -> float:
        """G(θ_0) - G*, at most: all that G can fall."""
        return self.start_loss - self.infimum

    @property
    def bound(self) -> float | None:
        """C = √((G(θ_0) - G*) / (p κ)) of Theorem 2, corrected; None without its conditions."""
        return self._bound(self.kappa) if self.contained else None

    @property
    def bound_as_printed(self) -> float | None:
        """The same with κ as printed; None where that is not positive."""
        return self._bound(self.kappa_as_printed) if self.contained else None

    @property
    def best_bound(self) -> float:
        """C at the best α; for p = n/N it is σ √(2 L N (G(θ_0) - G*)), whatever n.

        Also the measure of runs to which the theorem does not apply.
        """
        return math.sqrt(self.gap / (self.containment * self._kappa(self.best_step_size)))

    @property
    def sharpening(self) -> float:
        """What C may be divided by, ours: √M unless batches are aligned.

        All clean examples instead of the best one: by the Cauchy-Schwarz inequality
        Σ_j max{⟨∇G, ∇f_j⟩, 0}² >= (Σ_j ⟨∇G, ∇f_j⟩)² / M = M ‖∇G‖⁴, and each of them is
        ``expected_copies`` times in a batch. So this, times M, stands for p.
        """
        return math.sqrt(self.clean_size * self.expected_copies / self.containment)

    def as_dict(self) -> dict[str, Any]:
        """Return all constants, for JSON."""
        derived = [name for name, value in vars(Constants).items() if isinstance(value, property)]
        return asdict(self) | {name: getattr(self, name) for name in derived}

    def _kappa(self, step_size: float) -> float:
        return step_size / self.batch_size * (1 - step_size / self.limit)

    def _bound(self, kappa: float) -> float | None:
        return math.sqrt(self.gap / (self.containment * kappa)) if kappa > 0 else None


def constants_of(problem: Problem, spec: SimulationSpec) -> Constants:
    """Return the constants of a problem under the settings of a simulation."""
    L, sigma = smoothness(problem), gradient_bound(problem)  # noqa: N806
    different = 1 if spec.aligned else spec.batch_size
    return Constants(
        smoothness=L,
        gradient_bound=sigma,
        training_size=problem.training_size,
        clean_size=problem.clean_size,
        batch_size=spec.batch_size,
        contained=problem.contains_clean,
        containment=different / problem.training_size,
        expected_copies=spec.batch_size / problem.training_size,
        # In this order, so that whole fractions give a limit bit by bit.
        step_size=spec.limit_fraction * (2 / (L * sigma**2)),
        start_loss=float(problem.clean_loss(problem.start)),
        infimum=infimum(problem),
    )


def smoothness(problem: Problem) -> float:
    """Return L, a bound of the norm of G's Hessian (section 3.3 assumes one).

    The Hessian is the mean over clean j of ℓ''_j ⊗ x_j x_jᵀ, and ℓ''_j is at most the loss's
    curvature bound c: 1/4 for logistic regression, 1/2 for softmax. So it is at most c times the
    largest eigenvalue of the mean of x_j x_jᵀ, which is below the largest ‖x_j‖² unless all
    examples point the same way. Logistic regression attains it at θ = 0. The non-zero eigenvalues
    are those of the clean examples' Gram matrix over M.
    """
    clean = problem.gram[: problem.clean_size, : problem.clean_size]
    largest = float(torch.linalg.eigvalsh(clean)[-1])
    return problem.loss.curvature_bound * largest / problem.clean_size


def gradient_bound(problem: Problem) -> float:
    """Return σ, the largest bound of ‖∇f_i‖ = ‖ℓ'‖ ‖x_i‖ over training examples.

    It is ‖x_i‖ for logistic regression and √2 ‖x_i‖ for softmax.
    """
    training = problem.features[problem.first_training :]
    return problem.loss.slope_bound * float(training.norm(dim=1).max())
