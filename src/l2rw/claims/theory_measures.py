"""What is measured on simulations of the theory."""

from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from l2rw.analysis.simulations import name_of_simulation
from l2rw.claims.measures import Comparison, Measure, Measured, Missing, Tables

ROUNDING = 1e-12


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
        return Measured(np.array([ratio]), "nothing" if decided else "unknown")
