"""How networks and losses are called, and what one example loses."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

Loss = Callable[[Any, Any], Tensor]
"""Maps a network's outputs and targets to losses that keep examples apart."""


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and keyword arguments that a network takes inputs by.

    A tuple holds positional arguments, a mapping keyword arguments; anything else is one argument.
    """
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (inputs, {}) if type(inputs) is tuple else ((inputs,), {})


def copied(tree: Any) -> Any:
    """Return inputs or targets that network or loss may change in place, instead of these."""
    if isinstance(tree, Tensor):
        return tree.clone()
    if isinstance(tree, Mapping):
        return _copied_mapping(tree)
    if type(tree) in (list, tuple):
        return type(tree)(copied(part) for part in tree)
    if isinstance(tree, tuple) and hasattr(tree, "_fields") and type(tree) is not PackedSequence:
        return type(tree)(*(copied(part) for part in tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return _copied_record(tree)
    return tree


def _copied_mapping(tree: Mapping[Any, Any]) -> Any:
    parts = {name: copied(value) for name, value in tree.items()}
    if type(tree) is dict or not isinstance(tree, MutableMapping):
        return parts
    fresh = copy.copy(tree)  # of its own type, which may have more than items
    for name, value in parts.items():
        fresh[name] = value
    return fresh


def _copied_record(tree: Any) -> Any:
    fresh = copy.copy(tree)
    for field in dataclasses.fields(tree):
        if hasattr(tree, field.name):
            object.__setattr__(fresh, field.name, copied(getattr(tree, field.name)))
    return fresh


class ExampleLosses:
    """A loss that returns one value for each example, shape (n,).

    Losses of shape (n, ...), as multi-label, pixel-wise and regression losses have, become each
    example's mean. Entries whose target is a loss's ``ignore_index`` do not count: an example's sum
    is divided by the number of the others.
    """

    def __init__(self, loss: Loss) -> None:
        """Wrap a loss."""
        self._loss = loss

    def __call__(self, outputs: Any, targets: Any) -> Tensor:
        """Return example losses, shape (n,).

        Raises:
            ValueError: The loss does not keep examples apart along its first dimension.
        """
        values = self._loss(outputs, targets)
        if not isinstance(values, Tensor) or values.dim() == 0:
            what = "a single number" if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(
                f"the loss returns {what} for the whole batch; let it return one value for each "
                'example, as reduction="none" does'
            )
        if len(values) == 0:
            raise ValueError("training or clean batch is empty: nothing can be weighed")
        n = _examples(targets)
        if values.shape == (1,) and n is not None and n > 1:
            raise ValueError(
                f"the loss returns one value for {n} targets; let it return one value for each "
                'example, as reduction="none" does'
            )
        if values.dim() == 1:
            return values
        if n is not None and len(values) != n:
            raise ValueError(
                f"the loss returns values of shape {tuple(values.shape)} for {n} targets: examples "
                "must come first; let it return one value for each, such as values.mean(1)"
            )
        entries = values.flatten(1)
        counted = self._counted(targets, values)
        return entries.mean(1) if counted is None else entries.sum(1) / counted

    def _counted(self, targets: Any, values: Tensor) -> Tensor | None:
        if not isinstance(self._loss, (nn.CrossEntropyLoss, nn.NLLLoss)):
            return None
        if not isinstance(targets, Tensor) or targets.is_floating_point():
            return None
        if targets.shape != values.shape:
            return None
        return (targets != self._loss.ignore_index).flatten(1).sum(1).clamp(min=1)


def _examples(targets: Any) -> int | None:
    if isinstance(targets, Mapping):
        targets = list(targets.values())
    if isinstance(targets, (tuple, list)) and targets and isinstance(targets[0], Tensor):
        targets = targets[0]
    return len(targets) if isinstance(targets, Tensor) and targets.dim() else None


def requires_gradient(tree: Any) -> bool:
    """Whether any tensor among inputs and targets is in a graph, so that a gradient goes beyond."""
    if isinstance(tree, Tensor):
        return tree.requires_grad
    if isinstance(tree, Mapping):
        return any(requires_gradient(value) for value in tree.values())
    return isinstance(tree, (list, tuple)) and any(requires_gradient(part) for part in tree)


def trained(model: nn.Module, loss: Any) -> list[nn.Parameter]:
    """Return the parameters of a network, and of its loss, that require a gradient."""
    modules = [model, loss] if isinstance(loss, nn.Module) else [model]
    found = {id(p): p for module in modules for p in module.parameters() if p.requires_grad}
    return list(found.values())
