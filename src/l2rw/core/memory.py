"""What a pass may change besides gradients: kept before a pass that should leave no trace.

Networks remember things in buffers, in attributes, in containers, and in what their hooks and
losses hold (closures, bound objects). A pass of the clean batch must see all of that as it is, and
leave it as it was. What leaves Python, such as a file or a printed line, stays.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import (
    BuiltinFunctionType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import torch
from torch import Tensor, nn

from l2rw.core.distributed import is_sharded
from l2rw.core.independence import HOOKS
from l2rw.core.randomness import undo_of_generator

_CONTAINERS = (dict, list, set, deque)
_MOST_ITEMS = 1000
"""Of a container, to look into each item; a longer one is kept as a whole."""
_DEPTH = 4
_MOST_ELEMENTS = 2**16
"""Of a frozen parameter, to copy its values; the vectors that power iteration keeps have fewer."""
_NOTHING = object()
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
            modules: Their attributes, buffers, frozen parameters, hooks, forward functions and
                classes are looked through, but not what they have as submodules.
            functions: Others that a pass calls.
        """
        self._seen: dict[int, Any] = {}
        self._undo: list[Callable[[], object]] = []
        modules = list(modules)
        self._sharded = any(is_sharded(module) for module in modules)
        for module in modules:
            self._keep_module(module)
        for function in functions:
            self._keep(function, _DEPTH)

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back as it was kept."""
        for undo in self._undo:
            undo()

    def _keep_module(self, module: nn.Module) -> None:
        if _is_of_torch(type(module), "torch.nn.parallel", "torch._dynamo"):
            return
        own = {name: value for name, value in vars(module).items() if name not in _OTHERS}
        self._undo.append(partial(_put_names_back, vars(module), {**vars(module)}))
        for value in own.values():
            self._keep(value, _DEPTH)
        for parameter in module._parameters.values():
            if type(parameter) is nn.Parameter and not self._sharded:
                self._keep_parameter(parameter, renormalised=bool(getattr(module, "max_norm", 0)))
        for kind in HOOKS:
            for hook in getattr(module, kind).values():
                self._keep(hook, _DEPTH)
        if "forward" not in own:
            self._keep(type(module).forward, _DEPTH)
        for kind_of_module in type(module).__mro__:
            if not _is_of_torch(kind_of_module, "torch"):
                self._keep_class(kind_of_module)

    def _keep(self, value: Any, depth: int) -> None:
        if depth == 0 or id(value) in self._seen or isinstance(value, (nn.Module, nn.Parameter)):
            return
        if isinstance(value, Tensor):
            self._seen[id(value)] = value
            if value.grad_fn is None:
                self._keep_tensor(value)
        elif isinstance(value, _CONTAINERS):
            self._seen[id(value)] = value
            self._undo.append(partial(_put_items_back, value, _items(value)))
            if len(value) <= _MOST_ITEMS:
                for item in value.values() if isinstance(value, dict) else value:
                    self._keep(item, depth)
        elif (put_back := undo_of_generator(value)) is not None:
            self._undo.append(put_back)
        elif _is_array(value):
            self._undo.append(partial(value.__setitem__, ..., value.copy()))
        elif isinstance(value, tuple):
            for item in value:
                self._keep(item, depth - 1)
        elif callable(value) and not isinstance(value, type):
            self._seen[id(value)] = value
            self._keep_function(value, depth)
        else:
            self._keep_object(value, depth)

    def _keep_tensor(self, value: Tensor) -> None:
        self._undo.append(partial(_put_values_back, value, _each_once(value.detach()).clone()))

    def _keep_parameter(self, parameter: nn.Parameter, *, renormalised: bool) -> None:
        """Keep what it refers to, and its values if a pass may change them in place."""
        if id(parameter) in self._seen or parameter.layout != torch.strided:
            return
        self._seen[id(parameter)] = parameter
        self._undo.append(partial(_point_back, parameter, parameter.data))
        small = parameter.numel() <= _MOST_ELEMENTS
        if renormalised or (small and not parameter.requires_grad):
            self._keep_tensor(parameter)

    def _keep_class(self, kind: type) -> None:
        if id(kind) in self._seen:
            return
        self._seen[id(kind)] = kind
        for name in list(vars(kind)):
            if not name.startswith("__"):
                self._keep_named(vars(kind), partial(setattr, kind), name, _DEPTH)

    def _keep_function(self, value: Any, depth: int) -> None:
        if isinstance(value, FunctionType):
            if value.__module__ and value.__module__.startswith("torch."):
                return
            for cell in value.__closure__ or ():
                try:
                    content = cell.cell_contents
                except ValueError:  # is empty
                    continue
                self._undo.append(partial(setattr, cell, "cell_contents", content))
                self._keep(content, depth - 1)
            for name in value.__code__.co_names:
                names = value.__globals__
                self._keep_named(names, names.__setitem__, name, depth - 1)
            self._keep((value.__defaults__, value.__kwdefaults__), depth)
        elif isinstance(value, MethodType):
            self._keep((value.__self__, value.__func__), depth)
        elif isinstance(value, partial):
            self._keep((value.func, value.args, value.keywords), depth)
        else:
            self._keep_object(value, depth)

    def _keep_named(
        self,
        names: Mapping[str, Any],
        put: Callable[[str, Any], object],
        name: str,
        depth: int,
    ) -> None:
        """Keep what a class or a module of Python's holds by a name."""
        value = names.get(name)
        if isinstance(value, (bool, int, float, str)):
            self._undo.append(lambda: names.get(name) is value or put(name, value))
        elif isinstance(value, _CONTAINERS) or undo_of_generator(value) is not None:
            self._keep(value, depth)

    def _keep_object(self, value: Any, depth: int) -> None:
        if isinstance(value, (ModuleType, BuiltinFunctionType, type)):
            return
        if _is_of_torch(type(value), "torch"):
            return
        items: list[Any] = []
        if hasattr(value, "__dict__"):
            self._seen[id(value)] = value
            self._undo.append(partial(_put_names_back, vars(value), {**vars(value)}))
            items += vars(value).values()
        for slot in _slots(type(value)):
            self._seen[id(value)] = value
            content = getattr(value, slot, _NOTHING)
            self._undo.append(partial(_put_slot_back, value, slot, content))
            items.append(content)
        for item in items:
            self._keep(item, depth - 2)


def _put_names_back(names: dict[str, Any], before: dict[str, Any]) -> None:
    for name in names.keys() - before.keys():
        del names[name]
    names.update(before)


def _items(container: Any) -> list[Any]:
    return list(container.items() if isinstance(container, dict) else container)


def _put_items_back(container: Any, before: list[Any]) -> None:
    """Change a container only if a pass has, for some are not to be changed."""
    now = _items(container)
    if len(now) == len(before) and all(map(_is_same, now, before)):
        return
    container.clear()
    if isinstance(container, dict):
        for key, item in before:  # a Counter would count what `update` is given
            container[key] = item
    else:
        (container.update if isinstance(container, set) else container.extend)(before)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two items, or pairs of key and value, are the same objects."""
    if type(one) is tuple and type(other) is tuple and len(one) == len(other) == 2:
        return one[0] is other[0] and one[1] is other[1]
    return one is other


def _put_values_back(tensor: Tensor, values: Tensor) -> None:
    now = _each_once(tensor.data)
    if not now.is_nested and now.shape != values.shape:
        tensor.data = values.clone()
    else:  # without raising its version: a graph may have saved it
        now.copy_(values)


def _each_once(tensor: Tensor) -> Tensor:
    """Return a view without the repetitions that ``expand`` makes, which cannot be written to."""
    if tensor.layout == torch.strided and not tensor.is_nested:
        for dimension, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
            if stride == 0 and size > 1:
                tensor = tensor.narrow(dimension, 0, 1)
    return tensor


def _point_back(parameter: nn.Parameter, data: Tensor) -> None:
    if not parameter.is_set_to(data):
        parameter.data = data


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        if "__slots__" in vars(base):
            yield from (n for n, it in vars(base).items() if isinstance(it, MemberDescriptorType))


def _put_slot_back(value: Any, slot: str, content: Any) -> None:
    if getattr(value, slot, _NOTHING) is content:
        return
    if content is _NOTHING:
        object.__delattr__(value, slot)
    else:
        object.__setattr__(value, slot, content)


def _is_array(value: Any) -> bool:
    """Whether it is an array of NumPy's, which need not be installed, with elements to set."""
    return (
        type(value).__module__ == "numpy"
        and type(value).__name__ == "ndarray"
        and value.flags.writeable
    )


def _is_of_torch(kind: type, *packages: str) -> bool:
    return any(kind.__module__ == p or kind.__module__.startswith(f"{p}.") for p in packages)
