"""Settings as plain data: what ids digest, plan files say and published results hold.

A setting keeps the key under which results were first published, whatever its field is called
today, and a setting that came later is left out while it has the value that all earlier results
had. So a renamed or added field changes no id, and old results can still be read.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RESULTS_REVISION = 2
"""Part of every result's identity. Raise it when code changes what a run computes."""

Settings = TypeVar("Settings", bound="DataclassInstance")


def setting(key: str | None = None, *, left_out_at: Any = MISSING) -> Any:
    """Declare a field of a dataclass of settings that is not simply stored under its name.

    Args:
        key: Under which it is stored; the field's name if None.
        left_out_at: The value at which it is left out: what was done before there was this
            setting. It must never change, unlike a default of the configuration.
    """
    return field(metadata={"key": key, "left_out_at": left_out_at})


def plain(settings: "DataclassInstance") -> dict[str, Any]:
    """Return settings by the keys under which they are stored."""
    return {
        _key(one): getattr(settings, one.name)
        for one in fields(settings)
        if getattr(settings, one.name) != _left_out_at(one)
    }


def restored(kind: type[Settings], stored: Mapping[str, Any]) -> Settings:
    """Return the settings that :func:`plain` turned into plain data; lists become tuples.

    Raises:
        ValueError: There are settings that the class does not know, or some are missing.
    """
    by_key = {_key(one): one for one in fields(kind)}
    if unknown := stored.keys() - by_key.keys():
        raise ValueError(f"{kind.__name__} has no setting {', '.join(sorted(unknown))}")
    values = {one.name: stored.get(key, _left_out_at(one)) for key, one in by_key.items()}
    if missing := [name for name, value in values.items() if value is MISSING]:
        raise ValueError(f"{kind.__name__} lacks {', '.join(missing)}")
    return kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})


def _key(one: "Field[Any]") -> str:
    return one.metadata.get("key") or one.name


def _left_out_at(one: "Field[Any]") -> Any:
    return one.metadata.get("left_out_at", MISSING)
