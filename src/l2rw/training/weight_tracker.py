"""What weight every training example received, summed on the device while a stack trains."""

import torch
from torch import Tensor


class WeightTracker:
    """Sums of weights by seed and position of the example in its training part."""

    def __init__(self, stack: int, examples: int, device: torch.device) -> None:
        """Start empty, for ``stack`` seeds of ``examples`` training examples each."""
        # Sums of equal weights are exact in float64, so that equal means stay ties.
        self.sums = torch.zeros(stack, examples, dtype=torch.float64, device=device)
        self.times = torch.zeros(stack, examples, device=device)

    def add(self, positions: Tensor, weights: Tensor) -> None:
        """Count a step.

        Args:
            positions: Of the examples in the training part, shape (stack, n).
            weights: What they weighed, shape (stack, n).
        """
        self.sums.scatter_add_(1, positions, weights.to(self.sums.dtype))
        self.times.scatter_add_(1, positions, torch.ones_like(weights, dtype=self.times.dtype))

    def means(self, batch_size: int) -> Tensor:
        """Return mean weights (stack, examples) in units of plain averaging's, 1 / batch size.

        Examples that no step has seen have NaN.
        """
        return (self.sums / self.times * batch_size).float()
