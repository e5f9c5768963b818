"""Run a function of one seed for a stack of seeds, or compile it."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

Function = TypeVar("Function", bound=Callable[..., object])


def parallel_seeds(function: Function, stack: int) -> Function:
    """Map a function of tensors over the leading dimension (of length ``stack``) of its arguments.

    Several seeds run at once under :func:`torch.vmap`; a single one runs as it is, which is faster
    and gives the same numbers as code that knows nothing of stacks.
    """
    if stack > 1:
        return torch.vmap(function)  # type: ignore[return-value]

    def single(*arguments: object) -> object:
        result = function(*tree_map(_squeeze, arguments))
        return tree_map(_unsqueeze, result)

    return single  # type: ignore[return-value]


def compile_function(function: Function) -> Function:
    """Compile a function of tensors; masks of dropout are those of the function as it is."""
    torch._inductor.config.fallback_random = True
    return torch.compile(function)  # type: ignore[return-value]


def _squeeze(leaf: Tensor) -> Tensor:
    return leaf.squeeze(0)


def _unsqueeze(leaf: Tensor) -> Tensor:
    return leaf.unsqueeze(0)
