"""Confusion matrices, row beside row, for each corruption, as in Figure 6."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from l2rw.analysis.collect import jobs
from l2rw.analysis.statistics import column_of_text, summarise
from l2rw.analysis.style import RC, look, name_of
from l2rw.training.plan_file import PlanFile

value = None
named_by: tuple[str, ...] = ()
"""See :class:`l2rw.analysis.outputs.Drawing`."""

PANEL = ["corruption", "row"]
MOST_CLASSES_WITH_NUMBERS = 10


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the confusion matrices of all planned runs; see :func:`l2rw.analysis.collect.jobs`.

    Returns:
        A line for each entry of a run's matrix: ``true`` and ``predicted`` class, and ``images``,
        the number of test images.
    """
    return pd.DataFrame(
        [
            {
                **job.setting,
                "seed": run["seed"],
                "true": true,
                "predicted": predicted,
                "images": images,
                **job.made,
            }
            for job in jobs(plan, runs)
            for run in job.runs
            for true, row in enumerate(run["confusion"])
            for predicted, images in enumerate(row)
        ]
    )


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return how the images of each true class are predicted.

    Returns:
        By ``corruption``, ``row``, ``true`` and ``predicted`` class: ``share`` in [0, 1] of the
        true class's images that are predicted so, mean over seeds, with ``ci95_half_width`` and
        ``seeds``; ``images``, how many the true class has, mean over seeds.
    """
    keys = [*PANEL, "true", "predicted"]
    of_class = runs.groupby([*PANEL, "seed", "true"])["images"].transform("sum")
    runs = runs.assign(share=runs["images"] / of_class, of_class=of_class)
    table = summarise(runs, keys, "share").rename(
        columns={"mean": "share", "half_width": "ci95_half_width"}
    )
    images = summarise(runs, keys, "of_class")["mean"]
    return table.assign(images=images)


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: the accuracy over all classes, and the worst class's."""
    right = table[table["true"] == table["predicted"]]
    right = right.assign(hits=right["share"] * right["images"])
    panels = right.groupby(PANEL, sort=False)
    total, worst = panels[["hits", "images"]].sum(), right.loc[panels["share"].idxmin()]
    columns = {
        "accuracy (%)": [f"{value:.2f}" for value in 100 * total["hits"] / total["images"]],
        "worst class": worst["true"].astype(str).to_list(),
        "its accuracy (%)": column_of_text(100 * worst["share"], 100 * worst["ci95_half_width"]),
    }
    labels = [_title(*panel) for panel in zip(worst["corruption"], worst["row"], strict=True)]
    return pd.DataFrame(columns, index=pd.Index(labels, name="Test images"))


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a matrix of shares in percent for each kind of noise (top to bottom) and row."""
    corruptions, rows = (list(table[name].unique()) for name in PANEL)
    size = (1 + 2.6 * len(rows), 0.4 + 2.7 * len(corruptions))
    with mpl.rc_context(RC | {"axes.grid": False}):
        figure, grid = plt.subplots(len(corruptions), len(rows), figsize=size, squeeze=False)
        for axes, (corruption, row) in zip(grid.flat, product(corruptions, rows), strict=True):
            shown = table[(table["corruption"] == corruption) & (table["row"] == row)]
            if shown.empty:
                axes.set_axis_off()
                continue
            shares = shown.pivot(index="true", columns="predicted", values="share")
            image = _draw_matrix(axes, 100 * shares.to_numpy())
            axes.set_title(_title(corruption, row))
        figure.colorbar(image, ax=grid, label="Share of the true class (%)", shrink=0.6)
    return figure


def _draw_matrix(axes: Axes, percent: NDArray[np.float64]) -> AxesImage:
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    axes.set(xlabel="Predicted class", ylabel="True class")
    if len(percent) <= MOST_CLASSES_WITH_NUMBERS:
        axes.set(xticks=range(len(percent)), yticks=range(len(percent)))
        for (true, predicted), value in np.ndenumerate(percent):
            colour = "white" if value > 65 else "black"
            axes.text(
                predicted, true, f"{value:.0f}", ha="center", va="center", size=6, color=colour
            )
    return image


def _title(corruption: str, row: str) -> str:
    return f"{name_of(corruption)}, {look(row).label}"
