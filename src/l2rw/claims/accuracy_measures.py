"""What is measured on accuracies, training curves and weights."""

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd

from l2rw.analysis.style import look, name_of
from l2rw.claims.measures import Comparison, Measure, Measured, Missing, Tables
from l2rw.methods.rows import FINE_TUNED, split_row

SWEPT: dict[str, tuple[str, Callable[[Any], str]]] = {
    "figure2": ("majority_share", lambda value: f"majority share {value:g}"),
    "table1": ("dataset", name_of),
    "table2": ("dataset", name_of),
    "figure4": ("clean_size", lambda value: f"{value:,.0f} clean images"),
    "figure5": ("noise", lambda value: f"{100 * value:g} % noise"),
}
"""By experiment, the column of what is swept, and how its values are named for people."""


class _Swept(Measure):
    """A test of accuracies in a table with rows and something swept."""

    experiment: Literal["figure2", "table1", "table2", "figure4", "figure5"]
    row: str
    minus: str | None = None

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return self.experiment

    def _values(self, tables: Tables, selector: str | float) -> list[Any]:
        """Return the swept values that ``each``, ``first``, ``smallest``, ``largest`` or one is."""
        column, named = SWEPT[self.experiment]
        values = list(self._table(tables)[column].unique())
        if selector == "each":
            return values
        if selector == "first":
            return values[:1]
        if selector in ("smallest", "largest"):
            if len(values) < 2:
                raise Missing(f"{self.experiment} beyond {named(values[0])}")
            return [min(values) if selector == "smallest" else max(values)]
        if selector not in values:
            raise Missing(f"{self.experiment} with {named(selector)}")
        return [selector]

    def _cells(self, tables: Tables, value: Any) -> dict[str, str]:
        """Return the cells at a swept value by row."""
        table = self._table(tables)
        there = table[table[SWEPT[self.experiment][0]] == value]
        return dict(zip(there["row"], there["cell"], strict=True))

    def _rows(self, tables: Tables, value: Any, which: str, but: str | None) -> list[str]:
        """Return the rows at a swept value that a word or a name stands for."""
        rows = list(self._cells(tables, value))
        if which == "others":
            rows = [row for row in rows if row != but]
        elif which in ("fine-tuned", "best fine-tuned"):
            rows = [row for row in rows if FINE_TUNED in split_row(row)[1]]
        else:
            rows = [row for row in rows if row == which]
        if not rows:
            raise Missing(f"{self.experiment}, {which}, {SWEPT[self.experiment][1](value)}")
        return rows

    def _accuracies(self, tables: Tables, cells: tuple[str, ...]) -> pd.DataFrame:
        """Return accuracies in percent: a line for each seed that all cells have."""
        table = self._table(tables)
        by_cell = {
            cell: 100 * (1 - table[table["cell"] == cell].set_index("seed")["test_error"])
            for cell in cells
        }
        return pd.concat(by_cell, axis="columns", join="inner")


class AccuracyDifference(_Swept):
    """Accuracy of a row less that of another at the same place.

    ``best fine-tuned`` is the fine-tuned row of the highest mean.
    """

    test: Literal["accuracy_difference"]
    minus: str
    at: str | float = "each"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        found = []
        for value in self._values(tables, self.at):
            cells = self._cells(tables, value)
            rows = self._rows(tables, value, self.row, self.minus)
            place = SWEPT[self.experiment][1](value)
            for other in self._rows(tables, value, self.minus, self.row):
                name = rows[0] if len(rows) == 1 else self.row
                label = f"{_label(name)} - {_label(other)}, {place}"
                found.append(Comparison(label, (*(cells[row] for row in rows), cells[other])))
        return found

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """See :meth:`Measure.measure`."""
        accuracies = self._accuracies(tables, comparison.cells)
        *candidates, other = comparison.cells
        best = accuracies[candidates].mean().idxmax()
        return Measured((accuracies[best] - accuracies[other]).to_numpy())


class AccuracyDrop(_Swept):
    """What a row loses of its accuracy between two swept values, or how much more than another."""

    test: Literal["accuracy_drop"]
    start: str | float
    end: str | float

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        (start,), (end,) = self._values(tables, self.start), self._values(tables, self.end)
        named = SWEPT[self.experiment][1]
        if start == end:
            raise Missing(f"{self.experiment} beyond {named(start)}")
        from_to = [self._cells(tables, value) for value in (start, end)]
        found = []
        for row in self._rows(tables, start, self.row, self.minus):
            rows = [row] if self.minus is None else [row, self.minus]
            for value in (start, end):
                for one in rows:  # each must be at both ends
                    self._rows(tables, value, one, None)
            name = " - ".join(map(_label, rows))
            cells = tuple(there[one] for one in rows for there in from_to)
            found.append(Comparison(f"{name}, from {named(start)} to {named(end)}", cells))
        return found

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """See :meth:`Measure.measure`."""
        accuracies = self._accuracies(tables, comparison.cells)
        first, last, *others = (accuracies[cell] for cell in comparison.cells)
        lost = first - last
        if others:
            lost = lost - (others[0] - others[1])
        return Measured(lost.to_numpy())


class DropAfterDecay(Measure):
    """Validation accuracy at the first evaluation after the first decay, less that at the end."""

    test: Literal["drop_after_decay"]
    row: str

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return "figure7"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        table = self._table(tables)
        cells = table.loc[table["row"] == self.row, "cell"].unique()
        if not len(cells):
            raise Missing(f"figure7, {self.row}")
        return [Comparison(f"{_label(self.row)}, from the first decay to the end", (cells[0],))]

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """See :meth:`Measure.measure`."""
        table = self._table(tables)
        curves = table[table["cell"] == comparison.cells[0]].sort_values("step")
        after = curves[curves["learning_rate"] < curves["learning_rate"].max()]
        if after.empty:
            raise Missing(f"figure7, an evaluation of {self.row} after a decay")
        by_seed = 100 * after.groupby("seed")["validation_error"].agg(["first", "last"])
        return Measured((by_seed["last"] - by_seed["first"]).to_numpy())


class ZeroWeights(Measure):
    """Share of flipped images with weight zero, or how much it exceeds that of clean ones."""

    test: Literal["zero_weights"]
    panel: Literal["mixed", "single class"]
    minus: Literal["clean"] | None = None

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return "figure3"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        (cell,) = self._table(tables)["cell"].unique()
        batches = "all classes" if self.panel == "mixed" else "a single class"
        less = " - clean" if self.minus else ""
        return [Comparison(f"flipped{less} images of weight zero, batches of {batches}", (cell,))]

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """See :meth:`Measure.measure`."""
        table = self._table(tables)
        of_panel = table[table["panel"] == self.panel]
        zero = (of_panel["weight"] == 0).groupby([of_panel["seed"], of_panel["clean"]]).mean()
        shares = 100 * zero.unstack()
        if set(shares) != {False, True}:
            raise Missing(f"figure3, images of both kinds in batches of {self.panel}")
        return Measured((shares[False] - (shares[True] if self.minus else 0)).to_numpy())


def _label(row: str) -> str:
    return row if row == "best fine-tuned" else look(row).label
