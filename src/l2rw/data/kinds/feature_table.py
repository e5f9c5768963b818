"""A table of features: numbers, categories, missing values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from l2rw.data.datasets.dataset import Features, Labels
from l2rw.data.kinds.base import Examples, Layout, option
from l2rw.data.kinds.encoding import Column, encode, fit_column, numbers_of, require_kind_of_column
from l2rw.data.kinds.layout import picked
from l2rw.data.kinds.showing import Shown
from l2rw.data.kinds.tables import HALF, NUMBER, TableKind, as_texts
from l2rw.store.errors import UserError, closest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class FeatureTable(TableKind):
    """A CSV or parquet file with features and a label in every row.

    Numbers are shifted and scaled to mean 0 and deviation 1, a missing one becomes the mean and is
    told by a feature of its own. Categories become a feature for each value, missing ones
    included. All by what the training part has.
    """

    kind: ClassVar[str] = "feature_table"

    ignore: tuple[str, ...] = option("Columns that are not features.", ())
    categories: tuple[str, ...] = option("Columns of categories that look like numbers.", ())

    def files(self) -> Mapping[str, Path]:
        """Return the tables."""
        return {f"table:{half}": path for half, path in self.tables().items()}

    def examples(self, digests: Mapping[str, str]) -> Examples:
        """Return the rows."""
        import pandas as pd

        frame = self.read()
        features = frame[self._features(frame)]
        for name in features:
            require_kind_of_column(features[name], name in self.categories, self.path)
        contents = pd.util.hash_pandas_object(features.astype(str), index=False)
        return Examples(
            **self.about(frame),
            contents=[f"{one:016x}" for one in contents.tolist()],
            source=range(len(frame)),
        )

    def shape(self, layout: Layout) -> tuple[int, ...]:
        """Return (features,)."""
        columns = self._columns(self._rows(layout), layout)
        return (sum(len(column.features) for column in columns),)

    def inputs(self, layout: Layout, places: Labels, title: str) -> Features:
        """Encode rows; see :meth:`.DatasetKind.inputs`."""
        frame = self._rows(layout)
        blocks = [
            encode(column, frame[column.name].iloc[places])
            for column in self._columns(frame, layout)
        ]
        return np.concatenate(blocks, axis=1, dtype=np.float32)

    def preprocessing(self, layout: Layout) -> dict[str, Any]:
        """Return how columns become features; see :meth:`.DatasetKind.preprocessing`."""
        columns = self._columns(self._rows(layout), layout)
        decimal = {} if self.decimal == "." else {"decimal": self.decimal}
        return {"columns": [asdict(column) for column in columns], **decimal}

    def shown(self, layout: Layout, places: Labels, side: int) -> list[Shown]:
        """Return the rows as they are, without labels; see :meth:`.DatasetKind.shown`."""
        hidden = [HALF, NUMBER, self.label_column, self.true_label_column, self.id_column]
        frame = self._rows(layout).iloc[places]
        columns = [name for name in frame.columns if name not in hidden]
        texts = [["" if text == "nan" else text for text in as_texts(frame[c])] for c in columns]
        return [dict(zip(columns, row, strict=True)) for row in zip(*texts, strict=True)]

    def _rows(self, layout: Layout) -> "pd.DataFrame":
        """Return the rows of the examples."""
        frame = self.read()
        return frame.iloc[picked(layout.examples.source, np.arange(len(layout.examples)))]

    def _columns(self, frame: "pd.DataFrame", layout: Layout) -> list[Column]:
        train = frame.iloc[layout.train]
        return [
            fit_column(
                train[name], is_category=name in self.categories or numbers_of(frame[name]) is None
            )
            for name in self._features(frame)
        ]

    def _features(self, frame: "pd.DataFrame") -> list[str]:
        for name in (*self.ignore, *self.categories):
            if name not in frame.columns:
                raise UserError(
                    f"{self.path} has no column {name!r}.", closest(name, map(str, frame.columns))
                )
        inputs = self._inputs_of(frame)
        features = [name for name in frame.columns if name in inputs]
        if not features:
            raise UserError(
                f"{self.path} has no columns of features.", "add some, or ignore fewer columns."
            )
        return features

    def _inputs_of(self, frame: "pd.DataFrame") -> set[str]:
        return set(frame.columns) - {*self._named_columns(), *self.ignore, HALF, NUMBER}
