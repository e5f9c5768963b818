"""The processes that train one network together, as its wrapper says."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


class Processes:
    """Those that average a network's gradients with this one; alone if there is no wrapper."""

    def __init__(self, model: nn.Module) -> None:
        """Look for wrappers among the modules of a model."""
        self._replicas: list[DistributedDataParallel] = []
        self._sharded: list[Any] = []
        self._group: dist.ProcessGroup | None = None
        if dist.is_available() and dist.is_initialized():
            self._replicas = [m for m in model.modules() if isinstance(m, DistributedDataParallel)]
            self._sharded = [m for m in model.modules() if is_sharded(m)]
            if self._replicas:
                self._group = self._replicas[0].process_group

    @property
    def _several(self) -> bool:
        return bool(self._replicas or self._sharded)

    @property
    def count(self) -> int:
        """How many processes there are."""
        return dist.get_world_size(self._group) if self._several else 1

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of all processes' values."""
        if self._several:
            value = value.clone()
            dist.all_reduce(value, group=self._group)
        return value

    def mean(self, gradients: list[Tensor], examples: int) -> list[Tensor]:
        """Return the mean of all processes' mean gradients over their own examples."""
        if not self._several:
            return gradients
        flat = torch.cat([g.flatten() for g in gradients] + [gradients[0].new_ones(1)])
        flat = self.sum(flat * examples)
        sizes = [g.numel() for g in gradients]
        parts = torch.ops.aten.split_with_sizes(flat[:-1] / flat[-1], sizes)
        return [part.view_as(g) for part, g in zip(parts, gradients, strict=True)]

    def gather(self) -> None:
        """Let sharded modules hold whole parameters, until the final backward pass."""
        for module in self._sharded:
            module.set_requires_gradient_sync(False, recurse=False)
            module.set_reshard_after_backward(False, recurse=False)
            module.unshard()

    def before_the_final_pass(self) -> None:
        """Let the next backward pass average gradients."""
        for module in self._sharded:
            module.set_requires_gradient_sync(True, recurse=False)
            module.set_reshard_after_backward(True, recurse=False)

    def release(self) -> None:
        """Shard again, after an error."""
        self.before_the_final_pass()
        for module in self._sharded:
            module.reshard()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Keep passes of this process to itself."""
        with ExitStack() as stack:
            for module in self._replicas:
                stack.enter_context(module.no_sync())
            yield


def is_sharded(module: nn.Module) -> bool:
    """Whether ``fully_shard`` took it; a network that it did not take needs none of its code."""
    return any(base.__name__ == "FSDPModule" for base in type(module).__mro__)


def trains_in_several_processes() -> bool:
    """Whether there are others, which may wait for this process's gradients."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
