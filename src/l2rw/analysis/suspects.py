"""The share of wrong labels among the training examples with the lowest weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis.collect import collect_csv, jobs
from l2rw.analysis.drawing import add_legend, draw_band, within_percent
from l2rw.analysis.statistics import NOTHING, plus_minus, summarise_percent
from l2rw.analysis.style import RC, look
from l2rw.store.paths import SUSPECTS
from l2rw.training.plan_file import PlanFile

value = "wrong_percent"
named_by = ("row", "first")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

PARTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Shares of the training examples, those of least weight, that are looked at."""
CHANCE: dict[str, Any] = {
    "label": "in any order",
    "color": "#666666",
    "linestyle": "--",
    "linewidth": 0.9,
}


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the order of suspects of all planned runs.

    Returns:
        A line for each run and share ``first`` of its training examples: ``wrong``, the share of
        wrong labels among these, in [0, 1]; ``estimated``, the share of all that the run took to be
        wrong, without knowing; NaN if it did not say.
    """
    estimates = {
        (job.made["cell"], run["seed"]): run.get("estimated_wrong")
        for job in jobs(plan, runs)
        for run in job.runs
    }
    columns = {"image": int, "clean": int}
    lines = collect_csv(plan, runs, SUSPECTS, columns)
    runs_of = [*(c for c in lines.columns if c not in columns)]
    parts = []
    for key, run in lines.groupby(runs_of, sort=False, dropna=False):
        wrong = 1 - run["clean"].to_numpy()
        told = dict(zip(runs_of, key, strict=True))
        count = estimates[told["cell"], told["seed"]]
        for first in PARTS:
            taken = wrong[: max(1, round(first * len(wrong)))]
            parts.append(
                {
                    **told,
                    "first": first,
                    "wrong": float(taken.mean()),
                    "estimated": np.nan if count is None else count / len(wrong),
                }
            )
    return pd.DataFrame(parts)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, by ``row`` and ``first``, the share of wrong labels in percent, and its interval.

    Beside it stand the mean ``estimated_percent`` of all labels, and its interval.
    """
    by = ["row", "first"]
    table, estimated = (summarise_percent(runs, by, name) for name in ("wrong", "estimated"))
    table[["estimated_percent", "estimated_ci95_half_width"]] = estimated[
        ["estimated_percent", "ci95_half_width"]
    ]
    return table


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: a line for each row, a column for each share looked at.

    The last one has what the row's runs took to be wrong.
    """
    text = [plus_minus(*line) for line in table[[value, "ci95_half_width"]].to_numpy()]
    wide = table.assign(text=text).pivot(index="row", columns="first", values="text")
    wide = wide.reindex(index=table["row"].unique()).fillna(NOTHING)
    wide.columns = pd.Index([f"first {100 * first:g} %" for first in wide.columns])
    all_of_them = table[table["first"] == 1].set_index("row").loc[wide.index]
    wide["estimated"] = [
        plus_minus(*line)
        for line in all_of_them[["estimated_percent", "estimated_ci95_half_width"]].to_numpy()
    ]
    wide.index = pd.Index([look(row).label for row in wide.index], name="Wrong labels (%)")
    return wide


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw the share of wrong labels among the first suspects; all of them are in no order."""
    with mpl.rc_context(RC):
        figure, axes = plt.subplots(figsize=(4.8, 3.6))
        for row, line in table.groupby("row", sort=False):
            estimates = line[value], line["ci95_half_width"]
            draw_band(axes, 100 * line["first"], *estimates, **look(str(row)).style)
        chance = float(np.mean(table.loc[table["first"] == 1, value]))
        axes.axhline(chance, **CHANCE)
        axes.set(
            xlabel="Training examples looked at, least weight first (%)",
            ylabel="Wrong labels among these (%)",
        )
        within_percent(axes)
        add_legend(figure, axes.get_legend_handles_labels()[0])
    return figure
