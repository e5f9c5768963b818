"""A lower bound of the clean loss, by convex duality."""

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from l2rw.theory.problems import Problem

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]

ROUNDING = 1e-9
"""Subtracted from the dual value: far more than rounding can be, far less than any gap."""
RANK_TOLERANCE = 1e-12  # relative to the largest singular value


def infimum(problem: Problem) -> float:
    """Return a number that is not above inf G, and close to it.

    Take any slopes r_j with Σ_j r_j ⊗ x_j = 0. By the Fenchel-Young inequality ℓ(z_j) >= ⟨r_j,
    z_j⟩ - ℓ*(r_j), and as z_j = Θ x_j the mean of the inner products vanishes:
    G(θ) >= -(1/M) Σ_j ℓ*(r_j) for every θ. The slopes at the minimum would give G* itself. Those
    where L-BFGS stops, projected so that the sum vanishes, give a bound that does not depend on
    how well the optimiser did. No loss is negative, so 0 is a bound too: the only one where the
    clean set can be separated, as slopes then all go to 0, or where the projection leaves the
    domain of ℓ*.
    """
    clean = problem.clean_size
    left, singular, _ = torch.linalg.svd(problem.features[:clean], full_matrices=False)
    rank = int((singular > RANK_TOLERANCE * singular[0]).sum())
    # Orthonormal columns span all scores that a model can give one output.
    basis = left[:, :rank]
    slopes = problem.clean_slopes(_minimise(problem, basis))
    projected = slopes - slopes @ basis @ basis.T
    dual = -problem.loss.conjugates(projected, problem.targets[:, :clean]).mean()
    return max(0.0, float(dual) - ROUNDING)


def _minimise(problem: Problem, basis: Tensor) -> Tensor:
    """Return scores of small G, shape (outputs, M), within the span of the basis (M, rank)."""
    shape = (len(problem.targets), basis.shape[1])

    def scores(flat: Vector) -> Tensor:
        return torch.from_numpy(flat).reshape(shape) @ basis.T

    def loss_and_gradient(flat: Vector) -> tuple[float, Vector]:
        at = scores(flat)
        gradient = problem.clean_slopes(at) @ basis / problem.clean_size
        return float(problem.clean_loss(at)), gradient.numpy().reshape(-1)

    found = minimize(
        loss_and_gradient,
        np.zeros(shape[0] * shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": 1e-12},
    )
    return scores(found.x)
