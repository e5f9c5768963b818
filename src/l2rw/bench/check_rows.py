"""Rows of the tables of `l2rw gpu-check`, those of cases that fail included."""

import traceback
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """A line of a table."""

    cells: dict[str, str]
    """By the column's title."""
    ok: bool = True


def attempt(named: dict[str, str], case: Callable[[], Row]) -> Row:
    """Run a case; if it fails, say so and let the next one begin."""
    try:
        row = case()
    except Exception as error:
        return failed(named, error)
    return Row(named | row.cells, row.ok)


def failed(named: dict[str, str], error: Exception) -> Row:
    """Return the row of a case that failed; its traceback goes to stderr."""
    traceback.print_exc()
    return Row(named | {"verdict": f"fails: {told(error)}"}, ok=False)


def told(error: Exception) -> str:
    """Return an exception's kind and the beginning of its first line, fit for a table."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first[:100]}".replace("|", "/")
