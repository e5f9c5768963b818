"""Checks of the types in JSON, with the standard library alone."""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any


def require_types(what: str, content: Any, types: Mapping[str, type | UnionType]) -> None:
    """Raise ValueError unless a JSON object has these keys, with values of these types."""
    require_type(what, content, dict)
    if missing := types.keys() - content.keys():
        raise ValueError(f"{what} lacks {', '.join(sorted(map(repr, missing)))}")
    if unknown := content.keys() - types.keys():
        raise ValueError(f"{what} has an unknown {', '.join(sorted(map(repr, unknown)))}")
    for key, kind in types.items():
        require_type(f"{key!r} of {what}", content[key], kind)


def require_type(what: str, value: Any, kind: type | UnionType) -> None:
    """Raise ValueError unless a value is of a type; booleans are no integers here."""
    if not isinstance(value, kind) or isinstance(value, bool):
        name = getattr(kind, "__name__", kind)
        raise ValueError(f"{what} is {value!r:.40}, which is not of type {name}")


def require_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise ValueError unless a name is known."""
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}")
