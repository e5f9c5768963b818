"""How new files and rows become inputs of a network: as those did that it was trained on."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from l2rw.data.datasets.dataset import Features, Inputs
from l2rw.data.kinds.decoding import Picture, decode_all
from l2rw.data.kinds.encoding import Column, encode, numbers_of
from l2rw.data.kinds.images import image_suffixes
from l2rw.data.kinds.problems import UnreadableError, counted
from l2rw.data.kinds.tables import read_table, separator_of
from l2rw.store.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

PICTURE, COLUMNS = "picture", "columns"


class Reader:
    """Makes inputs of files, as ``preprocessing`` of a kind of data set says it.

    ``{"picture": {size, grey, fit}}`` for images; ``{"columns": [{name, categories, has_missing,
    mean, deviation}, …]}`` for tables, with ``"decimal": ","`` where that is the decimal sign.
    """

    def __init__(self, preprocessing: Mapping[str, Any]) -> None:
        """Raise :class:`ValueError` if it is nothing that is known here."""
        self._picture = Picture(**preprocessing[PICTURE]) if PICTURE in preprocessing else None
        self._columns = [_column(one) for one in preprocessing.get(COLUMNS, ())]
        self._decimal = preprocessing.get("decimal", ".")

    @property
    def reads_images(self) -> bool:
        """Whether it reads image files."""
        return self._picture is not None

    @property
    def reads_tables(self) -> bool:
        """Whether it reads tables."""
        return bool(self._columns)

    def read(self, files: Sequence[Path]) -> Inputs:
        """Return the inputs of image files, or of the rows of tables one after the other.

        Raises:
            UserError: Some cannot be read.
        """
        if not self.reads_images:
            return np.concatenate([self.rows(self.table(file), file) for file in files])
        images, failures = self.images(files)
        if failures:
            names = [str(files[place]) for place in failures]
            raise UserError(
                f"{counted(names, 'file', 'files')} cannot be read as images (first error: "
                f"{next(iter(failures.values()))}).",
                "leave them out.",
            )
        return images

    def images(self, files: Sequence[Path]) -> tuple[Inputs, Mapping[int, str]]:
        """Return the images that can be read, and why others cannot, by their places."""
        assert self._picture is not None
        try:
            return decode_all(files, self._picture, "images"), {}
        except UnreadableError as error:
            fine = [file for place, file in enumerate(files) if place not in error.reasons]
            return decode_all(fine, self._picture, "images"), error.reasons

    def table(self, file: Path) -> "pd.DataFrame":
        """Return the rows of a table; raise :class:`UserError` if it cannot be read."""
        if not file.exists():
            raise UserError(f"{file} does not exist.", "name a CSV or parquet file.")
        if file.is_dir() or file.suffix.lower() in image_suffixes():
            raise UserError(
                f"{file} is no table, and the network was trained on one.",
                "name a CSV or parquet file with its columns.",
            )
        return read_table(file, separator_of(file), self._decimal)

    def rows(self, frame: "pd.DataFrame", file: Path) -> Features:
        """Return the features of the rows of a table, shape (n, features).

        Raises:
            UserError: A column is absent, or holds no numbers though it did in training.
        """
        names = [column.name for column in self._columns]
        if missing := [name for name in names if name not in frame.columns]:
            raise UserError(
                f"{file} lacks {counted(missing, 'column', 'columns')} that the network was "
                "trained with.",
                "name a table with the columns of the one that it was trained on.",
            )
        for column in self._columns:
            if column.categories is None:
                _require_numbers(frame[column.name], column, file)
            else:
                _tell_of_unknown(frame[column.name], column.categories, file)
        blocks = [encode(column, frame[column.name]) for column in self._columns]
        return np.concatenate(blocks, axis=1, dtype=np.float32)


def _column(stored: Mapping[str, Any]) -> Column:
    categories = stored["categories"]
    return Column(**{**stored, "categories": None if categories is None else tuple(categories)})


def _tell_of_unknown(values: "pd.Series[Any]", known: Sequence[str], file: Path) -> None:
    """Log which categories the training part lacked: the network takes them for none of its own."""
    if unknown := sorted(set(values.dropna().astype(str)) - set(known)):
        log.warning(
            "Column %r of %s has %s that no training example has: they count as no category.",
            *(values.name, file, counted(unknown, "value", "values")),
        )


def _require_numbers(values: "pd.Series[Any]", column: Column, file: Path) -> None:
    if numbers_of(values) is None or not np.isfinite(encode(column, values)).all():
        raise UserError(
            f"Column {values.name!r} of {file} must hold finite numbers, as it did in training.",
            "leave other cells empty, and write the decimal sign as in the table of training.",
        )
