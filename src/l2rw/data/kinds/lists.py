"""Lists that a user writes or downloads: ids of examples, with labels or decisions.

A list has one of three forms, told by its columns; each can be named where the others can:

- ``id`` and perhaps ``label``: examples, as ``l2rw pick`` has them downloaded.
- ``id``, ``decision`` and ``label``: what people decided, as the review has them downloaded.
- ``id``, ``part``, ``given_label``, ``label`` and ``status``: all examples, as
  :mod:`l2rw.data.kinds.label_file` writes them. A status counts as a decision.
"""

import csv
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from l2rw.data.kinds.base import require_file
from l2rw.data.kinds.tables import TEST, separator_of
from l2rw.store.errors import UserError, why

ID_COLUMNS = ("id", "path", "file")
LABEL_COLUMN, GIVEN_LABEL, PART_COLUMN = "label", "given_label", "part"
DECISION_COLUMN, STATUS_COLUMN = "decision", "status"
RIGHT, WRONG, REMOVE, UNSURE = "right", "wrong", "remove", "unsure"
DECISIONS = (RIGHT, WRONG, REMOVE, UNSURE)
CHANGED, KNOWN, GIVEN, LEFT_OUT = "changed", "known", "given", "left out"
BY_STATUS = {CHANGED: WRONG, KNOWN: RIGHT, GIVEN: UNSURE, LEFT_OUT: REMOVE}
"""What a status says as a decision."""


class Listed(NamedTuple):
    """A line of a list of examples."""

    id: str
    label: str | None
    """Name of a class, if the line says one."""


class Decision(NamedTuple):
    """A line of a list of decisions."""

    id: str
    decision: str
    label: str
    """Name of the right class of those that are ``wrong``; empty if the line says none."""


class _Line(NamedTuple):
    """A line of a list of any form."""

    id: str
    decision: str | None
    """None in a list without decisions."""
    label: str
    in_test: bool
    """Whether the list says that the example is for testing."""


NO_CLEAN_SET = "`l2rw pick CONFIG` writes a page to choose clean examples by."
"""What to do where a list of clean examples is absent."""


def read_list(path: str, hint: str = "correct the path in data_sets.") -> list[Listed]:
    """Return the examples that a list says to be labelled rightly, with its labels.

    Of decisions these are ``right`` and ``wrong`` ones; examples for testing do not count.

    Args:
        path: Of the file.
        hint: What to do if it is absent.

    Raises:
        UserError: It cannot be read, has no column of ids, or a line lacks something.
    """
    lines = [line for line in _read_sound(path, hint) if not line.in_test]
    for line in lines:
        if line.decision == WRONG and not line.label:
            raise UserError(
                f"{path} calls the label of {line.id} wrong, but gives no right one.",
                "write the right class into the column label, or decide unsure.",
            )
    return [
        Listed(line.id, line.label or None)
        for line in lines
        if line.decision in (None, RIGHT, WRONG)
    ]


def read_left_out(path: str) -> set[str]:
    """Return the ids that a list says to leave out: all, or those that are decided so."""
    lines = _read_sound(path, "correct the path in data_sets.")
    return {line.id for line in lines if line.decision in (None, REMOVE)}


def read_decisions(path: str) -> list[Decision]:
    """Return the decisions of a list; equal lines count once.

    Raises:
        UserError: It cannot be read, or holds no decisions.
    """
    hint = "download it from the review, or correct the path in data_sets."
    lines = _read(path, hint, decided=True)
    return list(dict.fromkeys(Decision(one.id, one.decision or "", one.label) for one in lines))


def hint_on(unknown: Collection[str], known: Collection[str]) -> str:
    """Return what to do about ids that no example has, given those that examples have."""
    by_number = {_as_a_number(one): one for one in known}
    for one in unknown:
        if right := by_number.get(_as_a_number(one)):
            return (
                f"the id {right} has become {one}, as spreadsheets change numbers: use the file as "
                "it was downloaded, or format its column of ids as text."
            )
    return (
        "name the list of this data set, with ids as messages have them (files relative to path, "
        "or rows by their id), and take away lines of what is gone."
    )


def _as_a_number(text: str) -> str:
    """Return an id as spreadsheets write it that take it for a number."""
    return re.sub(r"^0+(?=\d)", "", text).removesuffix(".0")


def _read_sound(path: str, hint: str) -> list[_Line]:
    """Read a list; raise :class:`UserError` if it decides what is no decision."""
    lines = _read(path, hint)
    if strange := next((o for o in lines if o.decision not in (None, *DECISIONS)), None):
        raise UserError(
            f"{path} decides {strange.decision!r} of {strange.id}, which is no decision.",
            f"decide {', '.join(DECISIONS[:-1])} or {UNSURE}.",
        )
    return lines


def _read(path: str, hint: str, *, decided: bool = False) -> list[_Line]:
    """Read a CSV file; lines without anything do not count.

    Spreadsheets may have saved it: with semicolons or tabs, and a byte order mark.
    """
    file = require_file(path, hint)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, delimiter=separator_of(file))
            columns = [(column or "").strip().lower() for column in table.fieldnames or []]
            column = _id_column(file, columns, decided=decided)
            table.fieldnames = columns
            return [_line(cells, column) for cells in _filled(file, table, column)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{file} cannot be read as a CSV file ({why(error)}).",
            "save it as CSV in UTF-8 (`iconv -f latin1 -t utf-8 OLD > NEW` makes one).",
        ) from None


def _id_column(file: Path, columns: list[str], *, decided: bool) -> str:
    """Return which column has ids; raise :class:`UserError` unless all are there."""
    column = next((name for name in ID_COLUMNS if name in columns), None)
    said = ", ".join(columns) or "nothing"
    if column is None:
        raise UserError(
            f"{file} has no column {' or '.join(ID_COLUMNS)}, but {said}.",
            f"name the columns in the first line, such as id,{'decision,' * decided}label.",
        )
    decisions = STATUS_COLUMN if _has_statuses(columns) else DECISION_COLUMN
    needed = (decisions, LABEL_COLUMN) if decided or decisions in columns else ()
    if missing := [name for name in needed if name not in columns]:
        raise UserError(
            f"{file} has no column {' and no column '.join(missing)}, but {said}.",
            "write id,decision,label into its first line.",
        )
    return column


def _has_statuses(columns: Collection[str]) -> bool:
    """Whether a list has the form of label files: others may have a column called ``status``."""
    return {GIVEN_LABEL, STATUS_COLUMN} <= set(columns)


def _filled(file: Path, table: "csv.DictReader[str]", column: str) -> Iterator[dict[str, str]]:
    """Yield the lines that say something; each must have an id, and no more cells than names."""
    for cells in table:
        more = [cell for cell in cells.pop(None, []) or [] if cell.strip()]
        line = {name: (cell or "").strip() for name, cell in cells.items()}
        if not any(line.values()) and not more:
            continue
        if not line[column]:
            raise UserError(f"Line {table.line_num} of {file} has no {column}.", "remove the line.")
        if more:
            raise UserError(
                f"Line {table.line_num} of {file} has more cells than its first line has names.",
                'put quotes around a cell that has a comma in it, such as "a,b.png".',
            )
        yield line


def _line(cells: dict[str, str], column: str) -> _Line:
    label, decision = cells.get(LABEL_COLUMN, ""), cells.get(DECISION_COLUMN)
    if _has_statuses(cells):
        status = cells[STATUS_COLUMN].lower()
        decision = BY_STATUS.get(status, status)
        label = label if decision in (RIGHT, WRONG) else ""
    elif decision is not None:
        decision = decision.lower()
    return _Line(cells[column], decision, label, cells.get(PART_COLUMN) == TEST)
