"""The processes that train one network together, as its wrapper says."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


class Processes:
    """Those that average a network's gradients with this one; alone if there is no wrapper."""

    def __init__(self, model: nn.Module) -> None:
        """Look for wrappers among the modules of a model."""
        self._wrapped: list[DistributedDataParallel] = []
        if dist.is_available() and dist.is_initialized():
            self._wrapped = [m for m in model.modules() if isinstance(m, DistributedDataParallel)]

    @property
    def count(self) -> int:
        """How many processes there are."""
        return dist.get_world_size(self._wrapped[0].process_group) if self._wrapped else 1

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of all processes' values."""
        if self._wrapped:
            value = value.clone()
            dist.all_reduce(value, group=self._wrapped[0].process_group)
        return value

    def mean(self, gradients: list[Tensor], examples: int) -> list[Tensor]:
        """Return the mean of all processes' mean gradients over their own examples."""
        if not self._wrapped:
            return gradients
        flat = torch.cat([g.flatten() for g in gradients] + [gradients[0].new_ones(1)])
        flat = self.sum(flat * examples)
        sizes = [g.numel() for g in gradients]
        parts = torch.ops.aten.split_with_sizes(flat[:-1] / flat[-1], sizes)
        return [part.view_as(g) for part, g in zip(parts, gradients, strict=True)]

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Keep passes of this process to itself."""
        with ExitStack() as stack:
            for module in self._wrapped:
                stack.enter_context(module.no_sync())
            yield
