"""Several calls of ``backward`` as parts of one batch."""

import torch
from torch import Tensor, nn


class Accumulation:
    """Collects what parts of a batch add to ``.grad``, and rescales it when all are there."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        """Begin, with gradients of its own for these parameters."""
        self._before = [(p, p.grad) for p in parameters]
        for p in parameters:
            p.grad = None
        self._parts: list[Tensor] = []
        self._unit: Tensor | None = None
        self._total: Tensor | None = None

    @property
    def weights(self) -> Tensor:
        """Of the examples of all parts so far, in their order, with sum 1 or all zero.

        Processes that normalise together share this sum.
        """
        if self._total is None:
            raise ValueError("no part of the batch has been weighed yet: call backward first")
        return torch.cat(self._parts) / (self._total + (self._total == 0))

    def take(self, rectified: Tensor, total: Tensor) -> Tensor:
        """Return weights to use until all parts are known.

        Args:
            rectified: Alignments of a part's examples, zero where negative, shape (n,).
            total: Their sum, over all processes if there are several.
        """
        self._parts.append(rectified)
        # The first sum above zero is the unit, so that gradients have their usual size.
        unit = torch.zeros_like(total) if self._unit is None else self._unit
        self._unit = torch.where(unit > 0, unit, total)
        self._total = total if self._total is None else self._total + total
        return rectified / (self._unit + (self._unit == 0))

    @torch.no_grad()
    def finish(self) -> None:
        """Rescale the gradients, and add them to what was there before."""
        for p, before in self._before:
            if p.grad is not None and self._total is not None and self._unit is not None:
                p.grad.mul_((self._unit / (self._total + (self._total == 0))).to(p.grad.dtype))
            if before is not None:
                p.grad = before if p.grad is None else before.add_(p.grad)

    def cancel(self) -> None:
        """Forget what the parts added."""
        for p, before in self._before:
            p.grad = before
