"""Lists that a user writes: ids of examples, and labels."""

import csv
from typing import NamedTuple

from l2rw.data.kinds.base import require_file
from l2rw.store.errors import UserError

ID_COLUMNS = ("id", "path", "file")
LABEL_COLUMN = "label"


class Listed(NamedTuple):
    """A line of a list."""

    id: str
    label: str | None
    """Name of a class, if the line says one."""


NO_CLEAN_SET = "`l2rw pick CONFIG` writes a page to choose clean examples by."
"""What to do where a list of clean examples is absent."""


def read_list(path: str, hint: str = "correct the path in data_sets.") -> list[Listed]:
    """Read a CSV file with a column ``id`` (or ``path``, or ``file``) and perhaps ``label``.

    Args:
        path: Of the file.
        hint: What to do if it is absent.

    Raises:
        UserError: It cannot be read, has no such column, or a line has no id.
    """
    file = require_file(path, hint)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            columns = [column or "" for column in table.fieldnames or []]
            column = next((name for name in ID_COLUMNS if name in columns), None)
            if column is None:
                raise UserError(
                    f"{file} has no column {' or '.join(ID_COLUMNS)}, but {', '.join(columns)}.",
                    "name the columns in the first line, such as id,label.",
                )
            lines = [
                Listed((line[column] or "").strip(), (line.get(LABEL_COLUMN) or "").strip() or None)
                for line in table
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{file} cannot be read as a CSV file ({type(error).__name__}: {error}).",
            "save it as UTF-8 text with commas.",
        ) from None
    for number, line in enumerate(lines, start=2):
        if not line.id:
            raise UserError(f"Line {number} of {file} has no {column}.", "remove the line.")
    return lines
