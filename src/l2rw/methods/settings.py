"""Hyperparameters of methods, with the sources' defaults; readable without PyTorch.

All settings of a method are part of its runs' identity, those at their defaults included: a default
that changes later changes no earlier id. A setting that comes later than published results is left
out at the value that these had: ``field(metadata={"left_out_at": value})``.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from typing import Any

from l2rw.store.errors import closest

Pairs = tuple[tuple[str, Any], ...]
"""Settings by name, in the order of the class."""


@dataclass(frozen=True)
class NoSettings:
    """What a method without hyperparameters has."""


@dataclass(frozen=True)
class GCESettings:
    """Of :mod:`l2rw.methods.gce`."""

    q: float = 0.7
    """In (0, 1]: towards 0 it is cross-entropy, at 1 the mean absolute error."""

    def __post_init__(self) -> None:
        """Check the range."""
        require(0 < self.q <= 1, f"q is {self.q}", "choose q above 0 and up to 1.")


@dataclass(frozen=True)
class ELRSettings:
    """Of :mod:`l2rw.methods.elr`; the source has 0.7 and 3 on CIFAR-10, 0.9 and 7 on CIFAR-100."""

    beta: float = 0.7
    """Share of a target that its memory keeps, in [0, 1)."""
    strength: float = 3.0
    """Factor of the regularisation, λ >= 0."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(0 <= self.beta < 1, f"beta is {self.beta}", "choose beta from 0 to below 1.")
        require(self.strength >= 0, f"strength is {self.strength}", "choose 0 or more.")


@dataclass(frozen=True)
class MixupSettings:
    """Of :mod:`l2rw.methods.mixup`; the source has 1 for clean labels and 8 for noisy ones."""

    alpha: float = 1.0
    """Of the Beta(α, α) that mixing shares come from, > 0."""

    def __post_init__(self) -> None:
        """Check the range."""
        require(self.alpha > 0, f"alpha is {self.alpha}", "choose alpha above 0.")


@dataclass(frozen=True)
class MetaWeightNetSettings:
    """Of :mod:`l2rw.methods.meta_weight_net`."""

    hidden: int = 100
    """Units of the weighting network's hidden layer."""
    learning_rate: float = 1e-3
    """Of Adam, which trains the weighting network."""
    weight_decay: float = 1e-4
    """Of Adam, likewise."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.hidden > 0, f"hidden is {self.hidden}", "choose 1 or more units.")
        rate, decay = self.learning_rate, self.weight_decay
        require(rate > 0, f"learning_rate is {rate}", "choose one above 0.")
        require(decay >= 0, f"weight_decay is {decay}", "choose 0 or more.")


def read_settings(kind: type[Any], method: str, given: Mapping[str, Any]) -> Any:
    """Return a method's settings, those not given at their defaults.

    Args:
        kind: A dataclass of settings, each with a default.
        method: Its name, for messages.
        given: Some settings by name.

    Raises:
        ValueError: With a hint: the method has no such setting, or not of this type or range.
    """
    known = {one.name: type(one.default) for one in fields(kind)}
    for name in given:
        if name not in known:
            hint = closest(name, known) if known else "leave it out."
            raise ValueError(f"{method} has no setting {name!r}. Hint: {hint}")
    values = {name: _of_type(known[name], method, name, value) for name, value in given.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{method}: {error}") from None


def as_pairs(settings: Any) -> Pairs:
    """Return all settings by name, but those that came later and have the value of before."""
    pairs = ((one, getattr(settings, one.name)) for one in fields(settings))
    return tuple((one.name, v) for one, v in pairs if v != one.metadata.get("left_out_at", MISSING))


def _of_type(kind: type, method: str, name: str, value: Any) -> Any:
    """Return the value, a whole number as float where that is asked for."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        words = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
        raise ValueError(f"{method}: {name} is {value!r}. Hint: write {words[kind]}.")
    return value


def require(fits: bool, what: str, hint: str) -> None:
    """Raise ValueError, with a hint, unless a setting fits."""
    if not fits:
        raise ValueError(f"{what}. Hint: {hint}")
