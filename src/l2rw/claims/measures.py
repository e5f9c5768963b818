"""What the parts of claims measure: from tables of runs to effects, seed by seed.

A test first finds its comparisons, which takes settings alone, and then measures them. So the same
test tells from a plan which comparisons the paper's configuration would make.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from l2rw.analysis.simulations import name_of_simulation
from l2rw.analysis.style import look, name_of

Tables = Mapping[str, pd.DataFrame]
"""By experiment: lines of runs, or of cells for a plan, with the columns of their settings and
``cell``; rows are in ``row`` everywhere. ``bench`` has a line for each round of a timing."""
Values = NDArray[np.float64]

SWEPT: dict[str, tuple[str, Callable[[Any], str]]] = {
    "figure2": ("majority_share", lambda value: f"majority share {value:g}"),
    "table1": ("dataset", name_of),
    "table2": ("dataset", name_of),
    "figure4": ("clean_size", lambda value: f"{value:,.0f} clean images"),
    "figure5": ("noise", lambda value: f"{100 * value:g} % noise"),
}
"""By experiment, the column of what is swept, and how its values are named for people."""
ROUNDING = 1e-12


class Missing(Exception):  # noqa: N818
    """A result that a test needs is not there; the message names it."""


class Comparison(NamedTuple):
    """One effect, and the cells that it is measured on."""

    name: str
    """For people."""
    cells: tuple[str, ...]
    """Ids, in the order in which the test needs them; empty if it needs no data."""


class Measured(NamedTuple):
    """An effect."""

    values: Values
    """One for each seed, or round of a timing."""
    estimated_by: Literal["mean", "median", "nothing", "nobody"] = "mean"
    """``nothing``: it was counted or derived, and is exact. ``nobody``: how exact, is not known."""


class Region(BaseModel):
    """Where a claim says that an effect lies.

    One of ``above`` and ``below`` (ends excluded), ``between`` (included) and ``exactly`` is given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    above: float | None = None
    below: float | None = None
    between: tuple[float, float] | None = None
    exactly: float | None = None

    @model_validator(mode="after")
    def _one(self) -> "Region":
        given = (self.above, self.below, self.between, self.exactly)
        if sum(value is not None for value in given) != 1:
            raise ValueError("give one of above, below, between and exactly")
        if self.between and self.between[0] >= self.between[1]:
            raise ValueError(f"between {list(self.between)} holds nothing")
        return self

    @property
    def region(self) -> str:
        """The region in words."""
        if self.between is not None:
            return f"between {self.between[0]:g} and {self.between[1]:g}"
        word, value = next(
            (word, value)
            for word in ("above", "below", "exactly")
            if (value := getattr(self, word)) is not None
        )
        return f"{word} {value:g}"

    def contains(self, low: float, high: float) -> bool:
        """Whether an interval lies within, ends included."""
        if self.above is not None:
            return low > self.above
        if self.below is not None:
            return high < self.below
        lowest, highest = self._ends
        return lowest <= low and high <= highest

    def excludes(self, low: float, high: float) -> bool:
        """Whether an interval lies entirely outside, ends included."""
        if self.above is not None:
            return high <= self.above
        if self.below is not None:
            return low >= self.below
        lowest, highest = self._ends
        return high < lowest or low > highest

    def depth(self, value: float) -> float:
        """Return how far within a value lies, negative outside."""
        if self.above is not None:
            return value - self.above
        if self.below is not None:
            return self.below - value
        lowest, highest = self._ends
        return min(value - lowest, highest - value)

    @property
    def _ends(self) -> tuple[float, float]:
        if self.between is not None:
            return self.between
        assert self.exactly is not None
        return self.exactly, self.exactly


class Measure(Region):
    """A test with its parameters, and the region of its effects that the claim states."""

    unit: ClassVar[str] = "points"

    @property
    def needs(self) -> str:
        """The experiment that it is measured on."""
        raise NotImplementedError

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """Return what it compares; raise :class:`Missing` if something is not there."""
        raise NotImplementedError

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """Measure one of :meth:`comparisons`."""
        raise NotImplementedError

    def _table(self, tables: Tables) -> pd.DataFrame:
        if self.needs not in tables:
            raise Missing(self.needs)
        return tables[self.needs]


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
            rows = [row for row in rows if "ft" in row.split("+")]
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


class Gap(_Swept):
    """Accuracy of a row less that of another at the same place.

    ``best fine-tuned`` is the fine-tuned row of the highest mean.
    """

    test: Literal["gap"]
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


class Loss(_Swept):
    """What a row loses of its accuracy between two swept values, or how much more than another."""

    test: Literal["loss"]
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


class Fade(Measure):
    """Validation accuracy at the first evaluation after the first decay, less that at the end."""

    test: Literal["fade"]
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


class Slowdown(Measure):
    """How many times as long a step takes by one way as by another, round by round."""

    test: Literal["slowdown"]
    way: str
    over: str
    unit: ClassVar[str] = "times"

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return "bench"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        networks = self._table(tables).drop_duplicates("cell")
        return [
            Comparison(f"{name_of(network)}, {self.way} / {self.over}", (cell,))
            for network, cell in zip(networks["model"], networks["cell"], strict=True)
        ]

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """Divide by SGD in its faster memory format."""
        table = self._table(tables)
        lines = table[table["cell"] == comparison.cells[0]]
        ms = lines.pivot(index="round", columns="way", values="ms")
        formats = [way for way in (self.over, f"{self.over}, contiguous") if way in ms]
        if self.way not in ms or not formats:
            raise Missing(f"bench, {self.way} and {self.over}")
        fastest = ms[formats].median().idxmin()
        # A clock is disturbed now and then, and by much: means would tell of that.
        return Measured((ms[self.way] / ms[fastest]).to_numpy(), "median")


class _Simulated(Measure):
    """A test of simulations, which are exact: each is a comparison of its own."""

    def _named(self, simulations: pd.DataFrame) -> list[Comparison]:
        if simulations.empty:
            raise Missing(f"{self.needs}, the simulations")
        lines: list[Any] = [*simulations.drop_duplicates("cell").itertuples()]
        return [Comparison(name_of_simulation(line), (line.cell,)) for line in lines]

    def _line(self, comparison: Comparison, tables: Tables) -> pd.Series:
        table = self._table(tables)
        line: pd.Series = table[table["cell"] == comparison.cells[0]].iloc[0]
        return line


def _is_control(table: pd.DataFrame) -> pd.Series:
    return (table["weighting"] != "l2rw") | (table["limit_fraction"] > 1)


class Growths(_Simulated):
    """Steps by which the clean loss grew; of the counterexample, sizes of batches for which."""

    test: Literal["growths"]
    steps: Literal[
        "counterexample as printed",
        "counterexample as corrected",
        "as printed",
        "as corrected",
        "controls",
    ]
    unit: ClassVar[str] = "growths"

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return "lemma1"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        table = self._table(tables)
        if self.steps.startswith("counterexample"):
            return [Comparison(f"{self.steps}: Huber loss, batches of n copies", ())]
        simulations = table[table["model"].notna()]
        control = _is_control(simulations)
        if self.steps == "controls":
            return self._named(simulations[control])
        found = self._named(simulations[~control])
        on = ", single steps on copies" if self.steps == "as printed" else ""
        return [one._replace(name=f"{one.name}, {self.steps}{on}") for one in found]

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """See :meth:`Measure.measure`."""
        if not comparison.cells:
            table = self._table(tables)
            after = "loss_as_printed" if self.steps.endswith("printed") else "loss"
            grew = table[after] > table["start_loss"] * (1 + ROUNDING)
            return Measured(np.array([float(grew.sum())]), "nothing")
        line = self._line(comparison, tables)
        grown = line["failed" if self.steps == "as printed" else "growths"]
        return Measured(np.array([float(grown)]), "nothing")


class Bound(_Simulated):
    """The smallest C/√T over what is observed: below 1 the bound is violated."""

    test: Literal["bound"]
    of: Literal["l2rw", "controls"]
    unit: ClassVar[str] = "times"

    @property
    def needs(self) -> str:
        """See :attr:`Measure.needs`."""
        return "theorem2"

    def comparisons(self, tables: Tables) -> list[Comparison]:
        """See :meth:`Measure.comparisons`."""
        table = self._table(tables)
        control = _is_control(table)
        return self._named(table[control if self.of == "controls" else ~control])

    def measure(self, comparison: Comparison, tables: Tables) -> Measured:
        """Take it for exact unless the check itself is undecided or had nothing to say."""
        line = self._line(comparison, tables)
        decided = line["observed"] == "below the bound" or line["observed"].startswith("violated")
        ratio = np.inf if np.isnan(line["smallest_ratio"]) else float(line["smallest_ratio"])
        return Measured(np.array([ratio]), "nothing" if decided else "nobody")


def _label(row: str) -> str:
    return row if row == "best fine-tuned" else look(row).label
