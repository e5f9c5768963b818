"""Hyperparameters of methods, with the sources' defaults; readable without PyTorch.

All settings of a method are part of its runs' identity, those at their defaults included: a default
that changes later changes no earlier id. A setting that comes later than published results is left
out at the value that these had, ``left_out_at``.
"""

import math
import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from l2rw.store.errors import closest

LARGEST = 1e38
"""The largest number of a configuration: networks compute in 32 bits, which end at 3.4e38."""

Pairs = tuple[tuple[str, Any], ...]
"""Settings by name, in the order of the class."""


@dataclass(frozen=True)
class NoSettings:
    """What a method without hyperparameters has."""


@dataclass(frozen=True)
class Checked:
    """Settings whose ranges are checked: those that :func:`number` declares."""

    def __post_init__(self) -> None:
        """Raise ValueError, with a hint, unless every number is in its range."""
        for one in fields(self):
            value, ends = getattr(self, one.name), one.metadata.get("range", {})
            fits = all(INSIDE[name](value, end) for name, end in ends.items())
            require(fits, f"{one.name} is {value}", f"choose {_range(one.name, ends)}.")
            small = not isinstance(value, float) or abs(value) <= LARGEST
            require(small, f"{one.name} is {value}", f"write at most {LARGEST:g}.")


BOOLEANS = {"true": True, "false": False}
INSIDE: dict[str, Callable[[float, float], bool]] = {
    "above": operator.gt,
    "least": operator.ge,
    "below": operator.lt,
    "most": operator.le,
}


def number(default: float, *, left_out_at: Any = MISSING, **ends: float) -> Any:
    """Declare a setting that is a number.

    Args:
        default: An integer for whole numbers.
        left_out_at: See above.
        ends: Of its range: ``above`` or ``least``, ``below`` or ``most``.
    """
    left_out = {} if left_out_at is MISSING else {"left_out_at": left_out_at}
    return field(default=default, metadata={"range": ends} | left_out)


def _range(name: str, ends: Mapping[str, float]) -> str:
    """Say what would do, as in ``beta from 0 to below 1``."""
    if "least" in ends and len(ends) == 1:
        return f"{ends['least']:g} or more"
    words = {"above": "above {:g}", "least": "from {:g}", "below": "below {:g}", "most": "{:g}"}
    words["most"] = "to {:g}" if "least" in ends else "up to {:g}"
    joint = " to " if "least" in ends and "below" in ends else " "
    joint = " and " if "above" in ends else joint
    return f"{name} {joint.join(words[end].format(value) for end, value in ends.items())}"


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
    """Return the value, a whole number as float where that is asked for.

    Text will do for a number or a boolean: all that Snakemake's ``--config`` gives is text.
    """
    if isinstance(value, str) and kind is not str:
        with suppress(ValueError, KeyError):
            value = BOOLEANS[value.lower()] if kind is bool else kind(value)
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
