"""Losses of linear models as functions of an example's scores, with the constants of the theory.

An example with features x has the scores z = Θx, one for each output, and the loss ℓ(z). So its
gradient is the slope ℓ'(z) times x, and its Hessian is ℓ''(z) ⊗ xxᵀ.
"""

from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Loss(Protocol):
    """A convex loss >= 0. Scores, targets and slopes have the shape (..., outputs, examples)."""

    slope_bound: ClassVar[float]
    """Supremum of ‖ℓ'(z)‖."""
    curvature_bound: ClassVar[float]
    """Supremum of the spectral norm of ℓ''(z)."""

    def values(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return losses, shape (..., examples)."""

    def slopes(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the derivatives of the losses by the scores, shaped like the scores."""

    def conjugates(self, slopes: Tensor, targets: Tensor) -> Tensor:
        """Return the convex conjugates sup ⟨r, z⟩ - ℓ(z) at slopes r, shape (..., examples)."""


class Logistic:
    """Two classes by one score: log(1 + exp(-z)) for target 1, log(1 + exp(z)) for target 0.

    The slope s - y, with s the sigmoid of z, is within (-1, 1); the curvature is s (1 - s) <= 1/4.
    """

    slope_bound: ClassVar[float] = 1.0
    curvature_bound: ClassVar[float] = 1 / 4

    def values(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return losses, shape (..., examples)."""
        losses: Tensor = -F.logsigmoid((2 * targets - 1) * scores)
        return losses.squeeze(-2)

    def slopes(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return s - y."""
        return torch.sigmoid(scores) - targets

    def conjugates(self, slopes: Tensor, targets: Tensor) -> Tensor:
        """Return the negative entropy of the prediction s; infinite outside [0, 1]."""
        s = slopes + targets
        entropies: Tensor = torch.special.entr(s) + torch.special.entr(1 - s)
        return -entropies.squeeze(-2)


class Softmax:
    """Cross-entropy of a softmax over as many scores as classes; targets are one-hot.

    The slope p - y has ‖p - y‖² = (1 - p_y)² + Σ p_c² over the others <= 2 (1 - p_y)² < 2. The
    curvature is diag(p) - ppᵀ, and by Gershgorin's theorem its norm is at most
    max p_c (1 - p_c) + p_c (1 - p_c) <= 1/2.
    """

    slope_bound: ClassVar[float] = 2**0.5
    curvature_bound: ClassVar[float] = 1 / 2

    def values(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return losses, shape (..., examples)."""
        return torch.logsumexp(scores, -2) - (scores * targets).sum(-2)

    def slopes(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return p - y."""
        return torch.softmax(scores, -2) - targets

    def conjugates(self, slopes: Tensor, targets: Tensor) -> Tensor:
        """Return the negative entropy of the prediction p; infinite where some p_c is negative.

        An example's slopes must sum to 0, as those of the loss do.
        """
        entropies: Tensor = torch.special.entr(slopes + targets)
        return -entropies.sum(-2)


class Huber:
    """One score; z²/2 where |z| <= 1, |z| - 1/2 beyond. It has no targets."""

    slope_bound: ClassVar[float] = 1.0
    curvature_bound: ClassVar[float] = 1.0

    def values(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return losses, shape (..., examples)."""
        return F.huber_loss(scores, torch.zeros_like(scores), reduction="none").squeeze(-2)

    def slopes(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the score, clipped to [-1, 1]."""
        return scores.clamp(-1, 1)

    def conjugates(self, slopes: Tensor, targets: Tensor) -> Tensor:
        """Return r²/2; infinite outside [-1, 1]."""
        inside = slopes.abs() <= 1
        return torch.where(inside, slopes.square() / 2, torch.inf).squeeze(-2)
