"""What the columns of a user's table are, guessed from their names and values."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from l2rw.data.kinds.encoding import holds_lists, numbers_of, require_kind_of_column
from l2rw.data.kinds.images import image_suffixes
from l2rw.data.kinds.tables import TEST, TRAIN, read_table
from l2rw.store.errors import UserError, closest, parts

if TYPE_CHECKING:
    import pandas as pd

LABELS = (
    *("label", "labels", "class", "target", "category", "given_label", "y", "species", "diagnosis"),
)
TRUE_LABELS = ("true_label", "truth", "clean_label", "gold", "gold_label")
GROUPS = ("group", "patient", "subject", "participant", "person", "session", "user", "family")
MOST_CLASSES = 1000
"""Values that a column of labels may have."""
FEW_CLASSES = 50
"""Values up to which the last column passes for labels though its name does not say so."""
MOSTLY = 0.9
"""Share of a column's values that must name image files for it to be one of images."""
DATE = (
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?(Z| ?[+-]\d{2}:?\d{2})?)?"
)
"""A day, and perhaps a time of it."""
WRITTEN_NUMBER = r"[$€£¥]? ?[+-]?\d{1,3}(,?\d{3})*(\.\d+)? ?[%$€£¥]?"
"""A number as people write it, perhaps with commas between thousands, or a sign."""
PARTS = {TRAIN, "training", TEST, "testing", "val", "valid", "validation", "dev", "eval"}
"""How tables call the parts of a data set."""
ENOUGH, DENSE = 20, 1.1
"""Rows from which on whole numbers that are all different look like ids, if they lie in a range
that has no more than so many numbers for each."""


@dataclass(frozen=True)
class Columns:
    """What each column is for; None where there is none."""

    label: str
    image: str | None = None
    id: str | None = None
    group: str | None = None
    split: str | None = None
    true_label: str | None = None
    ignored: tuple[tuple[str, str], ...] = ()
    """Columns that are taken for no features, each with the reason."""
    doubtful: tuple[str, ...] = ()
    """Features that may be ids."""

    @property
    def no_features(self) -> set[str | None]:
        """Columns that are something else."""
        others = {self.label, self.image, self.id, self.group, self.split, self.true_label}
        return others | {name for name, _ in self.ignored}


def read_examples(file: Path, separator: str, decimal: str = ".") -> "pd.DataFrame":
    """Read a table that has rows and, at least, two columns."""
    frame = read_table(file, separator, decimal)
    if not len(frame):
        raise UserError(f"{file} has no rows.", "name a table with a line for each example.")
    if len(frame.columns) < 2:
        raise UserError(
            f"{file} has only the column {frame.columns[0]!r}.",
            "a table needs a column of labels and columns of features, with names in its first "
            "line.",
        )
    return frame


def guess(frame: "pd.DataFrame", file: Path, label: str | None) -> Columns:
    """Return what the columns of a table are for.

    Args:
        frame: The table.
        file: Where it comes from, for messages.
        label: Column of the labels; guessed if None.

    Raises:
        UserError: There is no such column, or none that looks like labels.
    """
    names = [str(name) for name in frame.columns]
    if label is not None and label not in names:
        raise UserError(f"{file} has no column {label!r}.", closest(label, names))
    lists = {name: f"Column {name!r} holds lists." for name in names if holds_lists(frame[name])}
    if label in lists:
        raise UserError(f"Column {label!r} of {file} holds lists.", "name another by --label.")
    names = [name for name in names if name not in lists]
    image = next((name for name in names if name != label and _names_images(frame[name])), None)
    split = next((name for name in names if name != label and _says_halves(frame[name])), None)
    others = [name for name in names if name not in (image, split)]
    label = label or _label(frame, others, file)
    rest = [name for name in others if name != label]
    true_label = _named(rest, TRUE_LABELS)
    group = _named(rest, [*GROUPS, *(f"{one}_id" for one in GROUPS)])
    rest = [name for name in rest if name not in (true_label, group)]
    ids = None
    if image is None:
        named = (name for name in rest if _is_id(frame[name]))
        ids = next(named, None) or next((name for name in rest if _can_name(frame[name])), None)
    ignored = lists | {name: why for name in rest if (why := _why_no_part(frame[name]))}
    features = [name for name in rest if name not in (ids, *ignored)] if image is None else []
    ignored |= {name: why for name in features if (why := _why_no_feature(frame[name], file))}
    doubtful = [one for one in features if one not in ignored and _all_different(frame[one])]
    return Columns(
        *(label, image, ids, group, split, true_label),
        ignored=tuple(ignored.items()),
        doubtful=tuple(doubtful),
    )


def _label(frame: "pd.DataFrame", names: Sequence[str], file: Path) -> str:
    found = _named(names, LABELS)
    last = names[-1] if names else ""
    if found is None and last and 2 <= frame[last].nunique() <= min(FEW_CLASSES, len(frame) // 2):
        found = last
    if found is None:
        raise UserError(
            f"No column of {file} looks like labels.",
            f"name it by --label; there are {', '.join(map(str, frame.columns[:20]))}.",
        )
    return found


def require_classes(frame: "pd.DataFrame", label: str, file: Path) -> None:
    """Raise :class:`UserError` unless a column holds a few classes, not quantities."""
    if (count := frame[label].nunique()) > MOST_CLASSES or 2 * count > len(frame):
        raise UserError(
            f"Column {label!r} of {file} has {count:,} different values in {len(frame):,} rows, "
            "too many for classes.",
            "name the column of labels by --label; quantities must be divided into classes first.",
        )


def _named(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    by_name = {_plain(name): name for name in reversed(list(names))}
    return next((by_name[one] for one in wanted if one in by_name), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _names_images(values: "pd.Series[Any]") -> bool:
    there = values.dropna().astype(str)
    ends = there.str.extract(r"(\.[^.\s]+)$", expand=False).str.lower()
    return len(there) > 0 and float(ends.isin(image_suffixes()).mean()) >= MOSTLY


def _says_halves(values: "pd.Series[Any]") -> bool:
    halves = set(values.dropna().astype(str).str.strip())
    return halves == {TRAIN, TEST} and bool(values.notna().all())


def _is_id(values: "pd.Series[Any]") -> bool:
    """Whether a column is called like ids and has a value of its own in every row."""
    name = _plain(str(values.name))
    named = name in ("id", "uid", "uuid", "key", "index", "row", "unnamed_0", "name", "filename")
    return (named or name.endswith("_id")) and bool(values.notna().all() and values.is_unique)


def _why_no_part(values: "pd.Series[Any]") -> str | None:
    """Return what prevents a column that tells parts from being used, or None if it tells none."""
    found = {one.strip() for one in values.dropna().astype(str)}
    if len(found) < 2 or not {one.casefold() for one in found} <= PARTS:
        return None
    return (
        f"Column {values.name!r} says {', '.join(sorted(found))}; write train or test into every "
        "row to divide the rows by it."
    )


def _why_no_feature(values: "pd.Series[Any]", file: Path) -> str | None:
    """Return why a column is taken for no feature, as the kind of data set would say it."""
    there = values.dropna().astype(str).str.strip()
    if there.empty:
        return f"Column {values.name!r} is empty."
    if there.str.fullmatch(DATE).all():
        return f"Column {values.name!r} holds dates; a number, such as days or hours, would be one."
    if _are_ids(values):
        return f"Column {values.name!r} has a value of its own in every row, as ids have."
    if _are_written_numbers(values):
        return (
            f"Column {values.name!r} holds numbers with commas or signs; it is a feature without "
            "them."
        )
    try:
        require_kind_of_column(values, is_category=False, path=file.name)
    except UserError as error:
        return parts(error)[0]
    return None


def _are_written_numbers(values: "pd.Series[Any]") -> bool:
    """Whether values are numbers to people, but not all of them are to computers."""
    if numbers_of(values) is not None:
        return False
    there = values.dropna().astype(str).str.strip()
    return bool(there.str.fullmatch(WRITTEN_NUMBER).all())


def _are_ids(values: "pd.Series[Any]") -> bool:
    """Whether values are all different, and texts, or whole numbers that fill a range."""
    if not values.is_unique or values.isna().any() or _are_written_numbers(values):
        return False
    numbers = numbers_of(values)
    if numbers is None or values.astype(str).str.fullmatch(r"0\d+").any():
        return True
    return _all_different(values) and bool(np.ptp(numbers) < DENSE * len(numbers))


def _can_name(values: "pd.Series[Any]") -> bool:
    """Whether values look like ids, and are short enough to call examples by."""
    return _are_ids(values) and bool(values.astype(str).str.fullmatch(r"\S{1,40}").all())


def _all_different(values: "pd.Series[Any]") -> bool:
    """Whether a column has another whole number in every row."""
    numbers = numbers_of(values)
    if numbers is None or len(numbers) < ENOUGH or not values.is_unique:
        return False
    return bool((np.mod(numbers, 1) == 0).all())
