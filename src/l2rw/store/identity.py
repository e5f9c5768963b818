"""Settings as plain data: what ids digest, plan files say and published results hold.

A setting keeps the key under which results were first published, whatever its field is called
today, and a setting that came later is left out while it has the value that all earlier results
had. So a renamed or added field changes no id, and old results can still be read.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RESULTS_REVISION = 2
"""Part of every result's identity. Raise it when code changes what a run computes."""

Settings = TypeVar("Settings", bound="DataclassInstance")


class Revised(Protocol):
    """What has a revision of its own: a record, or the facts of a data set."""

    @property
    def name(self) -> str:
        """Under which it enters an identity."""

    @property
    def revision(self) -> int:
        """See :class:`~l2rw.store.records.Record`."""


def revisions(*revised: Revised) -> dict[str, Any]:
    """Return what revisions add to an identity: nothing while they are 0."""
    found = {one.name: one.revision for one in revised if one.revision}
    return {"revisions": found} if found else {}


def setting(key: str | None = None, *, left_out_at: Any = MISSING) -> Any:
    """Declare a field of a dataclass of settings that is not simply stored under its name.

    Args:
        key: Under which it is stored; the field's name if None.
        left_out_at: The value at which it is left out: what was done before there was this
            setting. It must never change, unlike a default of the configuration.
    """
    return field(metadata={"key": key, "left_out_at": left_out_at})


def plain(settings: "DataclassInstance") -> dict[str, Any]:
    """Return settings by the keys under which they are stored; tuples become lists."""
    values = {one: getattr(settings, one.name) for one in fields(settings)}
    return {
        _key(one): list(value) if isinstance(value, tuple) else value
        for one, value in values.items()
        if value != _left_out_at(one)
    }


def restored(kind: type[Settings], stored: Mapping[str, Any]) -> Settings:
    """Return the settings that :func:`plain` turned into plain data; lists become tuples.

    Raises:
        ValueError: There are settings that the class does not know, some are missing, or one is of
            another type than its field. An integer passes for a float.
    """
    if not isinstance(stored, Mapping):
        raise ValueError(f"{kind.__name__} is {stored!r:.40}, which holds no settings")
    by_key = {_key(one): one for one in fields(kind)}
    if unknown := stored.keys() - by_key.keys():
        raise ValueError(f"{kind.__name__} has no setting {', '.join(sorted(map(repr, unknown)))}")
    values = {one.name: stored.get(key, _left_out_at(one)) for key, one in by_key.items()}
    if missing := [name for name, value in values.items() if value is MISSING]:
        raise ValueError(f"{kind.__name__} lacks {', '.join(missing)}")
    values = {name: _frozen(value) for name, value in values.items()}
    types = get_type_hints(kind)
    for name, value in values.items():
        if not _is(value, types[name]):
            wanted = getattr(types[name], "__name__", types[name])
            raise ValueError(
                f"{name} of {kind.__name__} is {value!r:.40}, which is not of type {wanted}"
            )
    return kind(**values)


def digest(identity: Any) -> str:
    """Digest plain data into eight hexadecimal digits."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated type, of those that settings have."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin in (Union, UnionType):
        return any(_is(value, one) for one in arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return isinstance(value, tuple) and all(_is(one, arguments[0]) for one in value)
        pairs = zip(value, arguments, strict=True) if isinstance(value, tuple) else ()
        return isinstance(value, tuple) and all(_is(*pair) for pair in pairs)
    if kind is float and isinstance(value, float):
        return math.isfinite(value)
    # No subclasses: a bool is no number here.
    return kind is Any or type(value) in ((int, float) if kind is float else (origin or kind,))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _key(one: "Field[Any]") -> str:
    return one.metadata.get("key") or one.name


def _left_out_at(one: "Field[Any]") -> Any:
    return one.metadata.get("left_out_at", MISSING)
