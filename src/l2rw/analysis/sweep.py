"""Sweeps, such as Figures 2, 4 and 5: error or accuracy against one setting, a line a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from l2rw.analysis.collect import collect
from l2rw.analysis.drawing import add_legend, draw_band, draw_bars, name_lines, within_percent
from l2rw.analysis.statistics import NOTHING, column_of_text, summarise_percent
from l2rw.analysis.style import RC, look
from l2rw.data.datasets.facts import UNTRUSTED_TESTS, score_in_words
from l2rw.methods.rows import told


@dataclass(frozen=True)
class Sweep:
    """A figure with a sweep."""

    swept: str
    """Column of what is swept."""
    axis: str
    """Its name for people; parameters of the corruption may stand in it, in braces."""
    rows: str = "row"
    """Column of the rows."""
    quantity: Literal["accuracy", "error"] = "accuracy"
    spacing: Literal["equal", "linear", "log"] = "linear"
    """Where values stand: at equal distances, or on a linear or logarithmic axis."""
    is_trusted: bool = True
    """Whether test labels are held to be right."""
    unit: float = 1
    """What swept values are multiplied by for people, such as 100 for percent."""

    collect = staticmethod(collect)

    @property
    def value(self) -> str:
        """Column of the numbers that ``metrics.json`` holds."""
        return self._value

    @property
    def named_by(self) -> tuple[str, ...]:
        """Columns that name them."""
        return self.swept, self.rows

    @property
    def _value(self) -> str:
        return f"{self.quantity}_percent"

    @property
    def _title(self) -> str:
        errors = self.quantity == "error"
        return f"{score_in_words([self.is_trusted], errors=errors)} (%)"

    def _tick(self, value: Any) -> str:
        return value if isinstance(value, str) else f"{value * self.unit:g}"

    def summary(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return mean and interval of every row at every swept value, in percent."""
        runs = runs.assign(error=runs["test_error"], accuracy=1 - runs["test_error"])
        return summarise_percent(runs, [self.swept, self.rows], self.quantity)

    def format_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Arrange the summary for reading: a line for each row, a column for each swept value.

        The first column says which extra information about the noise each method gets.
        """
        text = column_of_text(table[self._value], table["ci95_half_width"])
        wide = table.assign(text=text).pivot(index=self.rows, columns=self.swept, values="text")
        rows, values = table[self.rows].unique(), table[self.swept].unique()
        wide = wide.reindex(index=rows, columns=values).fillna(NOTHING)
        wide.columns = pd.Index([self._tick(value) for value in values])
        wide.insert(0, "told", [told(row) for row in rows])
        wide.index = pd.Index([look(row).label for row in rows], name=self._title)
        return wide

    def draw(self, table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
        """Draw the figure from its summary: lines with bands, or points with bars for one value."""
        values = table[self.swept].unique()
        corruption = settings["corruption"]
        axis = self.axis.format(**({} if isinstance(corruption, str) else corruption))
        with mpl.rc_context(RC):
            figure, axes = plt.subplots(figsize=(4.8, 3.8))
            if len(values) == 1:
                self._draw_points(axes, table)
                axes.set_title(f"{axis}: {self._tick(values[0])}")
            else:
                self._draw_lines(axes, table)
                axes.set_xlabel(axis)
                add_legend(figure, axes.get_legend_handles_labels()[0])
        return figure

    def _draw_lines(self, axes: Axes, table: pd.DataFrame) -> None:
        values = table[self.swept].unique()
        equal = self.spacing == "equal"
        places = {value: i if equal else value * self.unit for i, value in enumerate(values)}
        if self.spacing == "log":
            axes.set_xscale("log")
            axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(list(places.values()), [self._tick(value) for value in values])
        axes.set_ylabel(self._title)
        for row, lines in table.groupby(self.rows, sort=False):
            line = lines.assign(at=lines[self.swept].map(places)).sort_values("at")
            estimates = line[self._value], line["ci95_half_width"]
            draw_band(axes, line["at"], *estimates, **look(str(row)).style)
        within_percent(axes)
        if self.quantity == "error":
            axes.set_ylim(bottom=0)

    def _draw_points(self, axes: Axes, table: pd.DataFrame) -> None:
        looks = [look(row) for row in table[self.rows]]
        for i, one in enumerate(looks):
            point = table.iloc[[i]]
            draw_bars(axes, [i], point[self._value], point["ci95_half_width"], **one.style)
        name_lines(axes, [one.label for one in looks])
        axes.set_xlabel(self._title)


AXES: dict[str, tuple[str, float]] = {
    "majority_share": ("Share of the majority class ({majority} against {minority})", 1),
    "clean_size": ("Images in the clean set", 1),
    "noise": ("Noise (%)", 100),
}
"""By what is swept: its name for people, and what values are multiplied by; others have names of
their own."""


def sweep_of(name: str, settings: Mapping[str, Any]) -> Sweep:
    """Return how an experiment of the kind ``sweep`` is drawn."""
    (swept,) = settings["sweep"]
    axis, unit = AXES.get(swept, (swept.replace("_", " ").capitalize(), 1))
    texts = any(isinstance(value, str) for value in settings["sweep"][swept])
    return Sweep(
        swept,
        axis,
        quantity=settings["quantity"],
        spacing="equal" if texts else settings["spacing"],
        is_trusted=not settings.get(UNTRUSTED_TESTS),
        unit=unit,
    )
