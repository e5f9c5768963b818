"""Theorem 2: the smallest mean of ‖∇G‖² so far against C/√T, and the controls (section 3.3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l2rw.analysis.collect import unreadable
from l2rw.analysis.drawing import add_legend
from l2rw.analysis.simulations import (
    WHO,
    Simulation,
    name_of_simulation,
    number,
    simulations,
    thousands,
)
from l2rw.analysis.style import RC
from l2rw.store.checksums import verified
from l2rw.store.paths import BOUND
from l2rw.training.plan_file import PlanFile

value = "smallest_ratio"
named_by = ("model", "weighting", "limit_fraction")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

SETTING = ["model", "weighting", "batches", "limit_fraction"]
COLUMNS = (
    *("step", "mean", "running_min", "lower", "upper"),
    *("bound", "bound_sharper", "bound_printed", "bound_best"),
)
"""Of ``bound.csv``."""
CONTROL_COLOURS = ["#0072B2", "#009E73"]
BOUND_LINE: dict[str, Any] = {"color": "#000000", "lw": 1.4}


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the curves and verdicts of all planned simulations.

    Returns:
        By setting and ``step``: ``mean`` of ‖∇G‖² over trajectories, ``running_min``, ``lower`` and
        ``upper`` limit of its bootstrap interval, the bounds (``bound``, with C as corrected;
        ``bound_sharper``, ours; ``bound_printed``; ``bound_best``, at the best step size); and, the
        same at every step, the verdicts and what the links of the proof give away.
    """
    return pd.concat([_curve(s) for s in simulations(plan, runs)], ignore_index=True)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the same without what made it; ``share`` is ``running_min`` over its bound."""
    of_bound = runs["bound"].where(runs["verdict"] != "not applicable", runs["bound_best"])
    table = runs.drop(columns=WHO)
    return table.assign(share=runs["running_min"] / of_bound)


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: a line for each simulation."""
    lines = [rows.iloc[-1] for _, rows in table.groupby(SETTING, sort=False)]
    columns = {
        "verdict": [line["verdict"] for line in lines],
        "observed": [line["observed"] for line in lines],
        "C": [number(line["constant"]) for line in lines],
        "informative from T": [thousands(line["informative_from"]) for line in lines],
        "smallest bound / observed": [number(line["smallest_ratio"]) for line in lines],
        "at T": [thousands(line["smallest_ratio_at"]) for line in lines],
        "κΣ𝒯 / descent": [number(line["descent_share"]) for line in lines],
        "κΣ𝒯 / (G₀ - G*)": [number(line["budget_share"]) for line in lines],
        "E𝒯 / (p‖∇G‖⁴)": [number(line["gradient_slack"]) for line in lines],
        "E‖∇G‖⁴ / (E‖∇G‖²)²": [number(line["jensen_slack"]) for line in lines],
    }
    names = [name_of_simulation(line) for line in lines]
    return pd.DataFrame(columns, index=pd.Index(names, name="Simulation"))


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw the check (left) and how the controls fare by the same measure (right), log-log."""
    applies = table["verdict"] != "not applicable"
    with mpl.rc_context(RC):
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.9))
        _draw_check(left, table[applies])
        _draw_controls(right, table[~applies], table[applies])
        add_legend(figure, [h for a in (left, right) for h in a.get_legend_handles_labels()[0]])
    return figure


def _curve(simulation: Simulation) -> pd.DataFrame:
    path = simulation.folder / BOUND
    verified(path)
    types = {name: int if name == "step" else float for name in COLUMNS}
    try:
        lines = pd.read_csv(path, usecols=list(types), dtype=types)
    except (OSError, ValueError) as error:
        raise unreadable(path, "a table", error) from None
    check = simulation.check
    figures = {
        "informative_from": check("theorem2", "corrected", "informative_from"),
        "smallest_ratio": check("theorem2", "corrected", "smallest_ratio"),
        "smallest_ratio_at": check("theorem2", "corrected", "smallest_ratio_at"),
        "smallest_ratio_sharper": check("theorem2", "sharper", "smallest_ratio"),
        "descent_share": check("links", "descent_share"),
        "budget_share": check("links", "budget_share"),
        "gradient_slack": check("links", "gradient", "mean"),
        "jensen_slack": check("links", "jensen", "mean"),
    }
    return lines[list(types)].assign(
        **simulation.setting,
        verdict=check("theorem2", "verdict"),
        observed=check("theorem2", "corrected", "observed"),
        observed_sharper=check("theorem2", "sharper", "observed"),
        constant=check("theorem2", "corrected", "constant"),
        **{name: np.nan if value is None else value for name, value in figures.items()},
        **simulation.made,
    )


def _curves(table: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    """Return the curves from the first step on, by step size, each with its colour."""
    curves = [rows[rows["step"] > 0] for _, rows in table.groupby("limit_fraction")]
    colours = mpl.colormaps["YlOrBr"](np.linspace(0.45, 0.95, len(curves)))
    return list(zip(map(tuple, colours), curves, strict=True))


def _best(table: pd.DataFrame) -> tuple[Any, pd.DataFrame]:
    """Return the curve of the smallest C, with its colour."""
    return min(_curves(table), key=lambda curve: float(curve[1]["constant"].iloc[0]))


def _draw_check(axes: Axes, table: pd.DataFrame) -> None:
    _, best = _best(table)
    axes.plot(best["step"], best["bound"], **BOUND_LINE, label="C/√T, smallest C")
    axes.plot(best["step"], best["bound_sharper"], **BOUND_LINE, ls="--", label="C/√(MT), ours")
    for colour, curve in _curves(table):
        label = name_of_simulation(curve.iloc[0])
        axes.plot(curve["step"], curve["running_min"], color=colour, label=label)
        limits = curve["lower"], curve["upper"]
        axes.fill_between(curve["step"], *limits, color=colour, alpha=0.2, lw=0)
    informative = best["informative_from"].iloc[0]
    if not np.isnan(informative):
        axes.axvline(informative, color="#666666", ls=":", lw=0.9, label="informative from here")
    axes.set(xscale="log", yscale="log", xlabel="Steps T", ylabel="Smallest mean of ‖∇G‖² so far")
    axes.set_title("The bound and what is observed")


def _draw_controls(axes: Axes, controls: pd.DataFrame, table: pd.DataFrame) -> None:
    colour, best = _best(table)
    axes.plot(best["step"], best["share"], color=colour)
    groups = controls[controls["step"] > 0].groupby(SETTING, sort=False)
    for colour, (_, curve) in zip(CONTROL_COLOURS, groups, strict=False):
        label = name_of_simulation(curve.iloc[0])
        axes.plot(curve["step"], curve["share"], color=colour, label=label)
    axes.axhline(1, color="#000000", lw=0.9)
    axes.set(xscale="log", yscale="log", xlabel="Steps T", ylabel="The same over C/√T")
    axes.set_title("Controls must rise above 1")
