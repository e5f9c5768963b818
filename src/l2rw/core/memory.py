"""What a pass may change besides gradients: kept before a pass that should leave no trace.

Networks remember things in buffers, in attributes, in containers, and in what their hooks and
losses hold (closures, bound objects). A pass of the clean batch must see all of that as it is, and
leave it as it was. What leaves Python, such as a file or a printed line, stays.
"""

import functools
import random
import sys
from collections import deque
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from l2rw.core.independence import HOOKS

_CONTAINERS = (dict, list, set, deque)
_MOST_ITEMS = 1000
"""Of a container, to look into each item; a longer one is kept as a whole."""
_DEPTH = 4
_OTHERS = frozenset(
    {
        *(*HOOKS, "_parameters", "_modules", "_state_dict_hooks", "_state_dict_pre_hooks"),
        *("_load_state_dict_pre_hooks", "_load_state_dict_post_hooks", "_compiled_call_impl"),
    }
)
"""Attributes of modules that are no state of theirs, or that are looked through apart."""


class Memory:
    """The state of some modules now."""

    def __init__(self, modules: Iterable[nn.Module], functions: Iterable[Any] = ()) -> None:
        """Keep the state.

        Args:
            modules: Their attributes, buffers, hooks and forward functions are looked through, but
                not what they have as submodules.
            functions: Others that a pass calls.
        """
        self._seen: dict[int, Any] = {}
        self._tensors: list[tuple[Tensor, Tensor]] = []
        self._containers: list[tuple[Any, Any]] = []
        self._namespaces: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._cells: list[tuple[Any, Any]] = []
        for module in modules:
            self._keep_module(module)
        for function in functions:
            self._keep(function, _DEPTH)

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back as it was kept."""
        for namespace, before in self._namespaces:
            for name in namespace.keys() - before.keys():
                del namespace[name]
            namespace.update(before)
        for container, before in self._containers:
            if isinstance(container, torch.Generator):
                container.set_state(before)
            elif isinstance(container, list) or _is_array(container):
                container[:] = before
            else:
                container.clear()
                (container.extend if isinstance(container, deque) else container.update)(before)
        for cell, before in self._cells:
            cell.cell_contents = before
        for tensor, values in self._tensors:
            if tensor.shape != values.shape:
                tensor.data = values.clone()
            else:  # without raising its version: a graph may have saved it
                tensor.data.copy_(values)

    def _keep_module(self, module: nn.Module) -> None:
        if _is_of_torch(type(module), "torch.nn.parallel", "torch._dynamo"):
            return
        own = {name: value for name, value in vars(module).items() if name not in _OTHERS}
        self._namespaces.append((vars(module), {**vars(module)}))
        for value in own.values():
            self._keep(value, _DEPTH)
        for kind in HOOKS:
            for hook in getattr(module, kind).values():
                self._keep(hook, _DEPTH)
        if "forward" not in own:
            self._keep(type(module).forward, _DEPTH)

    def _keep(self, value: Any, depth: int) -> None:
        if depth == 0 or id(value) in self._seen or isinstance(value, (nn.Module, nn.Parameter)):
            return
        if isinstance(value, Tensor):
            self._seen[id(value)] = value
            if value.grad_fn is None:
                self._tensors.append((value, value.detach().clone()))
        elif isinstance(value, _CONTAINERS):
            self._seen[id(value)] = value
            self._containers.append((value, value.copy()))
            if len(value) <= _MOST_ITEMS:
                for item in value.values() if isinstance(value, dict) else value:
                    self._keep(item, depth)
        elif isinstance(value, torch.Generator):
            self._containers.append((value, value.get_state()))
        elif _is_array(value):
            self._containers.append((value, value.copy()))
        elif isinstance(value, tuple):
            for item in value:
                self._keep(item, depth - 1)
        elif callable(value) and not isinstance(value, type):
            self._seen[id(value)] = value
            self._keep_function(value, depth)
        else:
            self._keep_object(value, depth)

    def _keep_function(self, value: Any, depth: int) -> None:
        if isinstance(value, FunctionType):
            if value.__module__ and value.__module__.startswith("torch."):
                return
            for cell in value.__closure__ or ():
                try:
                    self._cells.append((cell, cell.cell_contents))
                except ValueError:  # is empty
                    continue
                self._keep(cell.cell_contents, depth - 1)
            for name in value.__code__.co_names:
                self._keep_global(value.__globals__, name, depth)
            self._keep((value.__defaults__, value.__kwdefaults__), depth)
        elif isinstance(value, MethodType):
            self._keep((value.__self__, value.__func__), depth)
        elif isinstance(value, functools.partial):
            self._keep((value.func, value.args, value.keywords), depth)
        else:
            self._keep_object(value, depth)

    def _keep_global(self, names: dict[str, Any], name: str, depth: int) -> None:
        value = names.get(name)
        if isinstance(value, _CONTAINERS):
            self._keep(value, depth - 1)
        elif isinstance(value, (bool, int, float, str)):
            self._cells.append((_Global(names, name), value))

    def _keep_object(self, value: Any, depth: int) -> None:
        unknown = isinstance(value, (ModuleType, BuiltinFunctionType, type))
        if unknown or not hasattr(value, "__dict__") or _is_of_torch(type(value), "torch"):
            return
        self._seen[id(value)] = value
        self._namespaces.append((vars(value), {**vars(value)}))
        for item in list(vars(value).values()):
            self._keep(item, depth - 2)


class _Global:
    """A global name, which can be set as the cell of a closure is."""

    def __init__(self, names: dict[str, Any], name: str) -> None:
        self._names, self._name = names, name

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute == "cell_contents":
            self._names[self._name] = value
        else:
            super().__setattr__(attribute, value)


def _is_array(value: Any) -> bool:
    """Whether it is an array of NumPy's, which need not be installed, with elements to set."""
    return (
        type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.ndim > 0
    )


def _is_of_torch(kind: type, *packages: str) -> bool:
    return any(kind.__module__ == p or kind.__module__.startswith(f"{p}.") for p in packages)


class Randomness:
    """The state of all generators that networks draw from."""

    def __init__(self, devices: Iterable[torch.device]) -> None:
        """Keep the states of Python, NumPy if it is loaded, PyTorch, and the named CUDA devices."""
        self._python = random.getstate()
        self._numpy = sys.modules.get("numpy")
        self._of_numpy = self._numpy and self._numpy.random.get_state()
        self._cpu = torch.get_rng_state()
        self._cuda = {d: torch.cuda.get_rng_state(d) for d in set(devices) if d.type == "cuda"}

    def move_on(self) -> None:
        """Go on from states that follow from these, but differ: a pass draws other masks."""
        seed = int(torch.randint(2**31, ()))
        random.seed(seed)
        if self._numpy:
            self._numpy.random.seed(seed)
        torch.random.manual_seed(seed)

    def restore(self) -> None:
        """Put the states back."""
        random.setstate(self._python)
        if self._numpy:
            self._numpy.random.set_state(self._of_numpy)
        torch.set_rng_state(self._cpu)
        for device, state in self._cuda.items():
            torch.cuda.set_rng_state(state, device)
