"""What weight every training example received, summed on the device while it trains.

>>> tracker = WeightTracker.of(len(training_set))
>>> for ids, inputs, targets in batches:  # ids are positions in the training set
...     tracker.add(ids, reweighter.backward(inputs, targets, *next(clean_batches)))
>>> tracker.suspects(batch_size, 20)  # the examples that weighed least
"""

import torch
from torch import Tensor


class WeightTracker:
    """Sums of weights by seed and position of the example in its training part."""

    def __init__(self, stack: int, examples: int, device: torch.device | str) -> None:
        """Start empty, for ``stack`` seeds of ``examples`` training examples each."""
        # Sums of equal weights are exact in float64, so that equal means stay ties.
        self.sums = torch.zeros(stack, examples, dtype=torch.float64, device=device)
        self.times = torch.zeros(stack, examples, device=device)

    @classmethod
    def of(cls, examples: int, device: torch.device | str = "cpu") -> "WeightTracker":
        """Start empty, for one training set of so many examples."""
        return cls(1, examples, device)

    def add(self, positions: Tensor, weights: Tensor) -> None:
        """Count a step.

        Args:
            positions: Of the examples in the training part, shape (stack, n), or (n,) without a
                stack, on any device.
            weights: What they weighed, of the same shape.

        Raises:
            ValueError: They do not have the same shape.
        """
        if positions.shape != weights.shape:
            raise ValueError(
                f"{tuple(positions.shape)} positions do not fit {tuple(weights.shape)} weights; "
                "give each weight the position of its example"
            )
        stack = len(self.sums)
        positions = positions.to(self.sums.device).view(stack, -1)
        weights = weights.to(self.sums).view(stack, -1)
        self.sums.scatter_add_(1, positions, weights)
        self.times.scatter_add_(1, positions, torch.ones_like(weights, dtype=self.times.dtype))

    def means(self, batch_size: int) -> Tensor:
        """Return mean weights (stack, examples) in units of plain averaging's, 1 / batch size.

        Examples that no step has seen have NaN.
        """
        return (self.sums / self.times * batch_size).float()

    def suspects(self, batch_size: int, count: int | None = None) -> list[tuple[int, float]]:
        """Return positions and mean weights of examples that were seen, least weight first.

        Args:
            batch_size: As for :meth:`means`.
            count: How many; all if None.

        Raises:
            ValueError: There is a stack: each seed has suspects of its own.
        """
        if len(self.sums) != 1:
            raise ValueError("suspects are those of one seed; take means() for a stack")
        (means,) = self.means(batch_size)
        order = means.argsort(stable=True)[: int(means.isfinite().sum())]
        pairs = zip(order.tolist(), means[order].tolist(), strict=True)
        return list(pairs)[:count]
