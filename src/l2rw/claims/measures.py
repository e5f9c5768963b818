"""What the parts of claims measure: from tables of runs to effects, seed by seed.

A test first finds its comparisons, which takes settings alone, and then measures them. So the same
test tells from a plan which comparisons the paper's configuration would make.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

Tables = Mapping[str, pd.DataFrame]
"""By experiment: lines of runs, or of cells for a plan, with the columns of their settings and
``cell``; rows are in ``row`` everywhere. ``bench`` has a line for each round of a timing."""
Values = NDArray[np.float64]


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
    uncertainty: Literal["mean", "median", "nothing", "unknown"] = "mean"
    """How far the effect is off. ``nothing``: it was counted or derived, and is exact."""


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
