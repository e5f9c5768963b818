"""What kinds of data sets with a table share: how it is read, which columns say what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.pictures import require_pyarrow
from l2rw.data.kinds.base import DatasetKind, option, require_file
from l2rw.data.kinds.problems import counted
from l2rw.store.errors import UserError, closest
from l2rw.store.text import one_line

if TYPE_CHECKING:
    import pandas as pd

TRAIN, TEST = "train", "test"
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""How a cell of a CSV file says that it has no value."""
COMMA_NUMBER = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?([eE][+-]?\d+)?"
"""A number with a decimal comma, and perhaps points between thousands."""
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")
"""How names of tables end."""
SEPARATORS = (",", ";", "\t", "|")
"""What may stand between cells."""


@dataclass(frozen=True, kw_only=True)
class TableKind(DatasetKind):
    """A CSV or parquet file with a line for each example."""

    label_column: str = option("Column of the given labels: names of classes.", "label")
    id_column: str | None = option(
        "Column of ids, all different; by default the name of the image file, or, in a table of "
        "features, the number of the row, starting from 1.",
        None,
    )
    group_column: str | None = option(
        "Column of groups, such as patients; examples of a group stay in the same part.", None
    )
    split_column: str | None = option(
        "Column with the values `train` or `test`, instead of a draw.", None
    )
    true_label_column: str | None = option(
        "Column of the true labels, if they are known for all examples.", None
    )
    separator: str = option("Separator between the cells of a CSV file.", ",")
    decimal: Literal[".", ","] = option("The decimal sign of numbers in a CSV file.", ".")

    def __post_init__(self) -> None:
        """Check what types do not."""
        super().__post_init__()
        given = [self.split_column, self.test_path, self.test_share]
        if self.split_column is not None and given != [self.split_column, None, None]:
            raise ValueError(
                "split_column and test_path or test_share say what is for testing. "
                "Hint: leave one out."
            )
        if len(self.separator) != 1:
            raise ValueError(
                "separator is not a single character. Hint: write ',' or ';' or \"\\t\"."
            )

    def tables(self) -> dict[str, Path]:
        """Return the files of the halves."""
        files = {TRAIN: require_file(self.path)}
        return files | ({TEST: require_file(self.test_path)} if self.test_path else {})

    def read(self) -> "pd.DataFrame":
        """Return all rows, those of ``test_path`` last, with the columns HALF and NUMBER added.

        Raises:
            UserError: A file cannot be read, or a column is absent.
        """
        import pandas as pd

        frames: list[pd.DataFrame] = []
        for half, file in self.tables().items():
            frame = read_table(file, self.separator, self.decimal)
            for column in self._named_columns():
                if column not in frame.columns:
                    raise UserError(
                        f"{file} has no column {column!r}.",
                        closest(column, map(str, frame.columns)),
                    )
            frame[HALF], frame[NUMBER] = half, np.arange(1, len(frame) + 1)
            frames.append(frame)
            if odd := sorted(self._inputs_of(frames[0]) ^ self._inputs_of(frame)):
                raise UserError(
                    f"{self.path} and {file} differ in {counted(odd, 'column', 'columns')}.",
                    "let both have the same columns, or list those that are no features in ignore.",
                )
        return pd.concat(frames, ignore_index=True)

    def about(self, frame: "pd.DataFrame") -> dict[str, Any]:
        """Return what the columns that are no inputs say, as arguments of ``Examples``.

        Raises:
            UserError: A label is missing, an id is not unique, or a half is none.
        """
        labels = self._filled(frame, self.label_column)
        true = self.true_label_column
        return {
            "ids": self._ids(frame),
            "labels": labels,
            "in_test": self._in_test(frame),
            "groups": self._filled(frame, self.group_column) if self.group_column else None,
            "true_labels": self._filled(frame, true) if true else None,
        }

    def _inputs_of(self, frame: "pd.DataFrame") -> set[str]:
        """Return the columns of a file that become inputs, beside those that options name."""
        return set()

    def _named_columns(self) -> list[str]:
        columns = (
            *(self.label_column, self.id_column, self.group_column, self.split_column),
            self.true_label_column,
        )
        return [column for column in columns if column is not None]

    def _ids(self, frame: "pd.DataFrame") -> list[str]:
        if self.id_column:
            ids = self._filled(frame, self.id_column)
        else:
            tests = {TRAIN: "", TEST: f"{Path(self.test_path or '').stem}:"}
            ids = [
                f"{tests[half]}{number}"
                for half, number in zip(frame[HALF], frame[NUMBER], strict=True)
            ]
        seen: set[str] = set()
        if twice := sorted({one for one in ids if one in seen or seen.add(one)}):  # type: ignore[func-returns-value]
            raise UserError(
                f"{self.path}: {counted(twice, 'id {} is', 'ids {} are')} not unique.",
                "name another id_column, or none to number the rows.",
            )
        return ids

    def _in_test(self, frame: "pd.DataFrame") -> NDArray[np.bool_] | None:
        if self.test_path:
            return np.asarray(frame[HALF] == TEST)
        if not self.split_column:
            return None
        halves = np.array(self._filled(frame, self.split_column))
        if others := sorted(set(halves.tolist()) - {TRAIN, TEST}):
            raise UserError(
                f"Column {self.split_column!r} of {self.path} says "
                f"{counted(others, 'other thing', 'other things')} than train and test.",
                "write train or test into every row.",
            )
        return np.asarray(halves == TEST)

    def _filled(self, frame: "pd.DataFrame", column: str) -> list[str]:
        """Return the texts of a column that must not lack any."""
        values = frame[column]
        texts = as_texts(values)
        missing = np.asarray(values.isna()) | np.array([not text for text in texts], dtype=bool)
        if missing.any():
            rows = [str(number) for number in frame.loc[missing, NUMBER]]
            raise UserError(
                f"Column {column!r} of {self.path} is empty in {counted(rows, 'row', 'rows')}.",
                "fill in what is missing (NA, None, null and ? count as missing, too), or remove "
                "these rows from the file.",
            )
        return texts


HALF, NUMBER = "l2rw half", "l2rw row"
"""Columns that are added: where a row comes from."""


def as_texts(values: "pd.Series[Any]") -> list[str]:
    """Return values as people write them: 3, not 3.0, whatever file they come from."""

    def text(value: Any) -> str:
        if isinstance(value, float | np.floating) and float(value).is_integer():
            return str(int(value))
        return str(value).strip()

    return [text(value) for value in values.tolist()]


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    return path.is_file() and path.suffix.lower() in TABLE_SUFFIXES


def separator_of(file: Path) -> str:
    """Return what stands between the cells of a CSV file, by its first line."""
    if file.suffix.lower() in {".parquet", ".pq"}:
        return ","
    try:
        with file.open(encoding="utf-8-sig") as stream:
            first = stream.readline()
    except (OSError, UnicodeDecodeError):
        return ","  # reading the table says what is wrong
    return max(SEPARATORS, key=first.count)


def has_decimal_commas(values: "pd.Series[Any]") -> bool:
    """Whether a column of texts holds numbers alone, some of them with a decimal comma."""
    there = values.dropna().astype(str)
    return bool(there.str.fullmatch(COMMA_NUMBER).all() and there.str.contains(",").any())


def read_table(file: Path, separator: str, decimal: str = ".") -> "pd.DataFrame":
    """Return the rows of a CSV or parquet file; raise :class:`UserError` if it cannot be read.

    With the decimal sign ``,`` the columns that hold such numbers get points instead.
    """
    import pandas as pd

    parquet = file.suffix.lower() in {".parquet", ".pq"}
    if parquet:
        require_pyarrow(file)
    try:
        if parquet:
            frame = pd.read_parquet(file, engine="pyarrow")
        else:
            # As text: 007 is no number in a column of ids.
            frame = pd.read_csv(
                file,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                na_values=list(MISSING),
                encoding="utf-8-sig",
                skipinitialspace=True,
            )
    except Exception as error:  # pandas and pyarrow raise errors of many kinds
        reason = one_line(error)
        raise UserError(
            f"{file} cannot be read as a table ({type(error).__name__}: {reason}).",
            f"name a CSV file in UTF-8 (`iconv -f {_encoding_of(file)} -t utf-8 OLD > NEW` makes "
            "one) with names of columns in its first line, or a parquet file.",
        ) from None
    _require_a_name_for_each_cell(frame, file)
    frame.columns = [str(column).strip() for column in frame.columns]
    if twice := _twice(list(frame.columns)):
        raise UserError(f"{file} has the column {twice[0]!r} twice.", "rename one of them.")
    if decimal == "," and not parquet:
        for name in frame.columns:
            if has_decimal_commas(frame[name]):
                frame[name] = _with_points(frame[name])
    return frame


def _encoding_of(file: Path) -> str:
    """Return a guess of how a text that is no UTF-8 is encoded."""
    try:
        with file.open("rb") as stream:
            start = stream.read(2)
    except OSError:
        start = b""
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "latin1"


def _require_a_name_for_each_cell(frame: "pd.DataFrame", file: Path) -> None:
    """Refuse rows that end with separators, or cells, without a name.

    pandas takes their first cells for names of rows, as R writes them; these are all different.
    """
    import pandas as pd

    index = frame.index
    if isinstance(index, pd.RangeIndex) or frame.empty:
        return
    if index.nlevels > 1 or index.has_duplicates or frame.iloc[:, -1].isna().all():
        raise UserError(
            f"The rows of {file} have more cells than its first line has names.",
            "name every column, and remove separators at the ends of rows.",
        )


def _with_points(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    return numbers.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)


def _twice(names: Sequence[str]) -> list[str]:
    return [name for at, name in enumerate(names) if name in names[:at]]
