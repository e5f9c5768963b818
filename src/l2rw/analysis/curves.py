"""Training curves under noisy labels, as in Figure 7."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from l2rw.analysis.collect import collect_csv
from l2rw.analysis.drawing import add_legend, draw_band, within_percent
from l2rw.analysis.statistics import NOTHING, plus_minus, summarise_percent
from l2rw.analysis.style import RC, look
from l2rw.store.paths import METRICS
from l2rw.training.plan_file import PlanFile

value = "accuracy_percent"
named_by = ("row", "quantity")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

ERRORS = {
    "validation": "validation_error",
    "training": "train_error",
    "test": "test_error",
}
"""Columns of the errors; those of validation and training are against the given, noisy labels."""
LINES: dict[str, Any] = {"validation": "-", "training": ":"}
"""What is drawn, and how."""
FALL: dict[str, Any] = {
    "label": "learning rate falls",
    "color": "#666666",
    "linestyle": "--",
    "linewidth": 0.7,
    "zorder": 1,
}


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the curves of all planned runs; see :func:`l2rw.analysis.collect.collect_csv`."""
    columns = {"step": int, "learning_rate": float, **dict.fromkeys(ERRORS.values(), float)}
    return collect_csv(plan, runs, METRICS, columns)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies at each evaluation, in percent.

    Returns:
        By ``row``, ``step``, ``learning_rate`` (of the step) and ``quantity`` (``validation``,
        ``training``, ``test``): ``accuracy_percent``, ``ci95_half_width``, ``seeds``.
    """
    keys = ["row", "step", "learning_rate"]
    errors = runs[[*keys, *ERRORS.values()]].set_axis([*keys, *ERRORS], axis="columns")
    long = errors.melt(keys, var_name="quantity", value_name="error").dropna(subset="error")
    return summarise_percent(
        long.assign(accuracy=1 - long["error"]), [*keys, "quantity"], "accuracy"
    )


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: the highest validation accuracy, and all at the end."""
    lines = []
    for _, curves in table.groupby("row", sort=False):
        by = {name: curves[curves["quantity"] == name].sort_values("step") for name in ERRORS}
        best = by["validation"].nlargest(1, "accuracy_percent")
        lines.append(
            {
                "highest validation": _text(best),
                "at step": str(best["step"].iloc[0]) if len(best) else NOTHING,
                **{f"last {name}": _text(curve.tail(1)) for name, curve in by.items()},
            }
        )
    labels = [look(row).label for row in table["row"].unique()]
    return pd.DataFrame(lines, index=pd.Index(labels, name="Accuracy (%)"))


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw the curves of validation (solid) and training (dotted) over the steps."""
    with mpl.rc_context(RC):
        figure, axes = plt.subplots(figsize=(4.8, 3.6))
        handles = []
        for row, curves in table.groupby("row", sort=False):
            colour = look(str(row)).colour
            handles.append(Line2D([], [], color=colour, label=look(str(row)).label))
            for name, line in LINES.items():
                curve = curves[curves["quantity"] == name].sort_values("step")
                estimate = curve["accuracy_percent"], curve["ci95_half_width"]
                draw_band(axes, curve["step"], *estimate, color=colour, linestyle=line)
        handles += [
            Line2D([], [], color="#666666", linestyle=line, label=name)
            for name, line in LINES.items()
        ]
        falls = [axes.axvline(step, **FALL) for step in _falls(table)]
        within_percent(axes)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.set(xlabel="Training step", ylabel="Accuracy under given labels (%)")
        add_legend(figure, handles + falls[:1])
    return figure


def _text(line: pd.DataFrame) -> str:
    estimate = line[["accuracy_percent", "ci95_half_width"]]
    return plus_minus(*estimate.iloc[0]) if len(line) else NOTHING


def _falls(table: pd.DataFrame) -> list[int]:
    """Return the last evaluations before the learning rate of a row falls, as steps."""
    steps: set[int] = set()
    for _, curves in table.groupby("row"):
        rates = curves.drop_duplicates("step").set_index("step")["learning_rate"].sort_index()
        steps |= set(rates.index[rates.shift(-1) < rates])
    return sorted(steps)
