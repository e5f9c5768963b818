"""Tables of accuracies by data set; the paper's beside ours where it has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis import paper, published
from l2rw.analysis.collect import collect
from l2rw.analysis.drawing import add_legend, draw_bars, name_lines, within_percent
from l2rw.analysis.statistics import (
    NOTHING,
    Estimate,
    column_of_text,
    difference,
    plus_minus,
    summarise_percent,
)
from l2rw.analysis.style import RC, look, name_of
from l2rw.data.datasets.facts import UNTRUSTED_TESTS, score_in_words
from l2rw.methods.rows import told

Line = tuple[str, ...]

OURS = ["accuracy_percent", "ci95_half_width"]
PAPERS = ["paper_accuracy_percent", "paper_ci95_half_width"]
DIFFERENCE = ["difference_points", "difference_ci95_half_width"]
SIDES: tuple[tuple[list[str], dict[str, Any]], ...] = (
    (OURS, {"label": "ours", "color": "#0072B2", "marker": "o"}),
    (PAPERS, {"label": "paper", "color": "#767676", "marker": "D", "mfc": "white"}),
)
"""Columns of the estimates that stand in a line, and their style."""


@dataclass(frozen=True)
class Accuracies:
    """A table with a line for each row, or for each network and row."""

    experiment: str
    line: Line = ("row",)
    """Columns that distinguish lines; ``row`` is the last."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the experiment: others published numbers for some."""

    collect = staticmethod(collect)
    value: ClassVar[str] = "accuracy_percent"

    @property
    def named_by(self) -> tuple[str, ...]:
        """Columns that name the numbers of ``metrics.json``."""
        return ("dataset", *self.line)

    def summary(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return accuracies in percent, the paper's beside ours where it has the data set.

        Lines are in the paper's order; those that it has not come last, and those that only it has
        count no seeds. The difference is ours less the paper's, in points, with its 95 % interval;
        ``agreement`` says that it has 0 within (``agrees``) or that ours is ``higher`` or
        ``lower``; NaN where one of both is unknown, or ours has a single seed. ``weight_auc`` is
        the mean over seeds, NaN unless labels are noisy.
        """
        keys = ["dataset", *self.line]
        runs = runs.assign(accuracy=1 - runs["test_error"])
        ours = summarise_percent(runs, keys, "accuracy").set_index(keys)
        ours["weight_auc"] = runs.groupby(keys)["weight_auc"].mean()
        numbers = self._papers()
        theirs = numbers.rename(columns=dict(zip(("accuracy", "ci95"), PAPERS, strict=True)))
        both = ours.join(theirs.set_index(keys)[[*PAPERS, "quoted"]], how="outer")
        lines = self._in_order(pd.concat([runs, numbers]))
        places = [(dataset, *line) for dataset in runs["dataset"].unique() for line in lines]
        both = both.loc[[place for place in places if place in both.index]].reset_index()
        both["seeds"] = both["seeds"].fillna(0).astype(int)
        both["quoted"] = both["quoted"].eq(True)
        differences = [_difference(*line) for line in both[[*OURS, "seeds", *PAPERS]].to_numpy()]
        both[DIFFERENCE] = np.array(differences)
        both["agreement"] = list(map(_agreement, differences))
        theirs_and_ours = [*PAPERS, *DIFFERENCE, "agreement", "quoted", "weight_auc"]
        return both[[*keys, *OURS, "seeds", *theirs_and_ours]]

    def format_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Arrange the summary for reading: by data set our mean, the paper's, both compared.

        The first column says which extra information about the noise each method gets, the last
        ones what others published.
        """
        elsewhere = published.numbers(self.experiment, self.settings, table["dataset"].unique())
        elsewhere["dataset"] = elsewhere["dataset"].map(name_of)
        labels = self._labels(table)
        columns: dict[tuple[str, str], list[str]] = {}
        columns["", "told"] = [told(line[-1]) for line in labels]
        for dataset, lines in self._by_dataset(table):
            ours, theirs = ([lines[name] for name in names] for names in (OURS, PAPERS))
            columns[dataset, "ours"] = column_of_text(*ours)
            if theirs[0].notna().any():
                columns[dataset, "paper"] = list(map(_as_printed, *theirs))
                compared = (lines[name] for name in (*DIFFERENCE, "agreement"))
                columns[dataset, "difference"] = list(map(_compared, *compared))
            columns[dataset, "seeds"] = [f"{n:g}" if n > 0 else NOTHING for n in lines["seeds"]]
            others = published.column(elsewhere, dataset, [line[-1] for line in labels])
            if any(others):
                columns[dataset, "published elsewhere"] = [text or NOTHING for text in others]
        return pd.DataFrame(columns, index=pd.Index(labels.values(), name=self._score(table)))

    def draw(self, table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
        """Draw the summary: a panel for each data set, the paper's estimates below ours."""
        by_dataset, labels = self._by_dataset(table), list(self._labels(table).values())
        sides = [side for side in SIDES if table[side[0][0]].notna().any()]
        size = (1.8 + 2.3 * len(by_dataset), 1.1 + 0.24 * len(labels))
        with mpl.rc_context(RC):
            figure, grid = plt.subplots(
                1, len(by_dataset), sharey=True, figsize=size, squeeze=False
            )
            for axes, (dataset, lines) in zip(grid[0], by_dataset, strict=True):
                for place, (columns, style) in enumerate(sides):
                    at = np.arange(len(labels)) + 0.3 * (place - (len(sides) - 1) / 2)
                    draw_bars(axes, at, *(lines[name] for name in columns), **style)
                axes.set(title=dataset, xlabel=self._score(lines))
                within_percent(axes, across=True)
                name_lines(axes, labels)
            if len(sides) > 1:
                add_legend(figure, grid[0][0].containers)
        return figure

    def _score(self, lines: pd.DataFrame) -> str:
        """Return what the numbers of some lines of a summary are called."""
        untrusted = self.settings.get(UNTRUSTED_TESTS, ())
        return f"{score_in_words(name not in untrusted for name in lines['dataset'].dropna())} (%)"

    def _papers(self) -> pd.DataFrame:
        """Return the paper's numbers: none where it has no such lines."""
        numbers = paper.numbers(self.experiment)
        return numbers.assign(**{c: "" for c in self.line if c not in numbers})

    def _in_order(self, table: pd.DataFrame) -> list[Line]:
        """Return the lines of a table in the paper's order, those that it has not at the end."""
        theirs, mine = (
            list(dict.fromkeys(lines[list(self.line)].itertuples(index=False, name=None)))
            for lines in (self._papers(), table)
        )
        return sorted(mine, key=lambda line: theirs.index(line) if line in theirs else len(theirs))

    def _labels(self, table: pd.DataFrame) -> dict[Line, str]:
        """Return the names of a summary's lines, in order."""
        quoted = self._in_order(table[table["quoted"]])
        return {
            line: _label(line) + " (quoted)" * (line in quoted) for line in self._in_order(table)
        }

    def _by_dataset(self, table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
        """Return each data set's name and its estimates, one for each of the table's lines."""
        lines = list(self._labels(table))
        places = {line: i for i, line in enumerate(lines)}
        at = [places[line] for line in table[list(self.line)].itertuples(index=False, name=None)]
        return [
            (name_of(str(dataset)), estimates.reindex(range(len(lines))))
            for dataset, estimates in table.set_axis(at).groupby("dataset", sort=False)
        ]


def _label(line: Line) -> str:
    *network, row = line
    named = [] if network and row == "baseline" else [look(row).label]
    return ", ".join([*map(name_of, network), *named])


def _difference(
    mean: float, half_width: float, seeds: float, paper_mean: float, paper_half_width: float
) -> Estimate:
    ours, theirs = Estimate(mean, half_width), Estimate(paper_mean, paper_half_width)
    return difference(ours, int(seeds), theirs, paper.SPLITS)


def _agreement(compared: Estimate) -> str | float:
    if np.isnan(compared.mean + compared.half_width):
        return np.nan
    if abs(compared.mean) <= compared.half_width:
        return "agrees"
    return "higher" if compared.mean > 0 else "lower"


def _compared(mean: float, half_width: float, agreement: str | float) -> str:
    """Write a difference with its sign and, where both intervals allow it, what it says."""
    if np.isnan(mean):
        return NOTHING
    signed = f"{'+' if mean >= 0 else ''}{plus_minus(mean, half_width)}"
    return f"{signed}, {agreement}" if isinstance(agreement, str) else signed


def _as_printed(mean: float, half_width: float) -> str:
    """Write a number of the paper, which gives those without interval with fewer digits."""
    return f"{mean:g}" if mean > 0 and np.isnan(half_width) else plus_minus(mean, half_width)


def table_of(name: str, settings: Mapping[str, Any]) -> Accuracies:
    """Return how an experiment of the kind ``table`` is drawn."""
    groups = (settings["told_apart_by"],) if len(settings["corruptions"]) > 1 else ()
    return Accuracies(name, (*groups, "row"), settings)
