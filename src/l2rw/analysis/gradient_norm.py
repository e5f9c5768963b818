"""How the clean gradient shrinks while deep networks train: an observation outside the theorem.

Theorem 2 bounds the smallest E‖∇G‖² so far by C/√T, for unnormalised weights, plain steps and the
full clean set. Networks are trained otherwise, so the rate can only be observed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from l2rw.analysis.collect import collect_csv
from l2rw.analysis.drawing import add_legend
from l2rw.analysis.statistics import NOTHING
from l2rw.analysis.style import RC, look, name_of
from l2rw.store.paths import METRICS
from l2rw.training.plan_file import PlanFile

value = "exponent"
named_by = ("corruption", "network", "row")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

CURVE = ["corruption", "network", "row"]
GRADIENT = "squared_clean_gradient"
RESAMPLES = 1000
ROUNDING = 1e-12
LINES: dict[str, dict[str, Any]] = {
    "mean": {"lw": 0.7, "alpha": 0.6},
    "smallest mean so far": {},
    "C/√T of the first half": {"ls": ":"},
}
"""What is drawn, and how."""
Values = NDArray[np.float64]


class Fit(NamedTuple):
    """What the running minimum of one curve does over the steps."""

    exponent: float
    """Slope of its logarithm against the logarithm of the step; -1/2 is the theorem's rate."""
    exponent_low: float
    """Bootstrap interval of 95 % over seeds; NaN with a single seed."""
    exponent_high: float
    envelope_constant: float
    """The smallest C for which C/√T bounds the first half of the steps."""
    exceeded: float
    """Share of the second half's evaluations that are above C/√T."""


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the curves of all planned runs; see :func:`l2rw.analysis.collect.collect_csv`."""
    return collect_csv(plan, runs, METRICS, {"step": int, GRADIENT: float})


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the squared norm of the clean gradient at each evaluation, and what it does.

    Returns:
        By ``corruption``, ``network``, ``row`` and ``step``: ``mean`` over seeds, ``low`` and
        ``high`` (bootstrap interval of 95 %), ``running_min`` of the mean, ``seeds``, and the
        curve's :class:`Fit`.
    """
    curves = [_curve(key, of) for key, of in runs.groupby(CURVE, sort=False)]
    return pd.concat(curves, ignore_index=True)


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: the exponent, and how the first half's envelope fares."""
    curves = table.groupby(CURVE, sort=False)
    first, last = curves.first(), curves.last()
    columns = {
        "first": [f"{value:.2g}" for value in first["running_min"]],
        "smallest": [f"{value:.2g}" for value in last["running_min"]],
        "exponent of decay": [_interval(line) for line in first.itertuples()],
        "second half above first's C/√T": [_percent(value) for value in first["exceeded"]],
    }
    labels = [f"{_title(*place)}, {look(row).label}" for *place, row in first.index]
    return pd.DataFrame(columns, index=pd.Index(labels, name="‖∇G‖², mean over seeds"))


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a log-log panel for each network: curves with bands, running minima, envelopes."""
    panels: list[Any] = list(table.groupby(["corruption", "network"], sort=False))
    with mpl.rc_context(RC):
        figure, grid = plt.subplots(
            1, len(panels), figsize=(3.4 * len(panels) + 0.4, 3.6), squeeze=False
        )
        for axes, (place, curves) in zip(grid[0], panels, strict=True):
            _draw_panel(axes, curves)
            axes.set(title=_title(*place), xlabel="Training step")
        grid[0][0].set_ylabel("‖∇G‖² of the clean set")
        rows = [look(row) for row in table["row"].unique()]
        handles = [Line2D([], [], color=row.colour, label=row.label) for row in rows]
        handles += [
            Line2D([], [], color="#666666", label=name, **line) for name, line in LINES.items()
        ]
        add_legend(figure, handles)
    return figure


def _curve(key: Any, runs: pd.DataFrame) -> pd.DataFrame:
    wide = runs.pivot(index="seed", columns="step", values=GRADIENT)
    values, steps = wide.to_numpy(dtype=float), wide.columns.to_numpy(dtype=float)
    resampled = _resampled_means(values)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    alone = len(values) == 1
    mean = values.mean(0)
    return pd.DataFrame(
        {
            **dict(zip(CURVE, key, strict=True)),
            "step": wide.columns,
            "mean": mean,
            "low": np.nan if alone else low,
            "high": np.nan if alone else high,
            "running_min": np.minimum.accumulate(mean),
            "seeds": len(values),
            **_fit(steps, mean, None if alone else resampled)._asdict(),
        }
    )


def _resampled_means(values: Values) -> Values:
    """Return means over resampled seeds, shape (RESAMPLES, steps)."""
    random = np.random.default_rng(0)
    drawn = random.integers(len(values), size=(RESAMPLES, len(values)))
    means: Values = values[drawn].mean(1)
    return means


def _fit(steps: Values, mean: Values, resampled: Values | None) -> Fit:
    smallest = np.minimum.accumulate(mean)
    first_half = steps <= steps[-1] / 2
    if not first_half.any():
        first_half[0] = True
    constant = float((smallest * np.sqrt(steps))[first_half].max())
    later = ~first_half
    above = (smallest * np.sqrt(steps))[later] > constant * (1 + ROUNDING)
    low = high = np.nan
    if resampled is not None:
        low, high = np.quantile(_exponents(steps, resampled), [0.025, 0.975])
    exceeded = float(above.mean()) if later.any() else float("nan")
    (exponent,) = _exponents(steps, mean[None])
    return Fit(float(exponent), float(low), float(high), constant, exceeded)


def _exponents(steps: Values, means: Values) -> Values:
    """Return the exponents of curves, shape (n, steps), as shape (n,): NaN if there are none."""
    smallest = np.minimum.accumulate(np.maximum(means, np.finfo(float).tiny), axis=1)
    if len(steps) < 2:
        return np.full(len(means), np.nan)
    exponents: Values = np.polyfit(np.log(steps), np.log(smallest).T, 1)[0]
    return exponents


def _draw_panel(axes: Axes, table: pd.DataFrame) -> None:
    for row, curve in table.groupby("row", sort=False):
        colour = look(str(row)).colour
        envelope = curve["envelope_constant"] / np.sqrt(curve["step"])
        drawn = curve["mean"], curve["running_min"], envelope
        marker = "o" if len(curve) == 1 else ""
        for values, line in zip(drawn, LINES.values(), strict=True):
            axes.plot(curve["step"], values, color=colour, marker=marker, **line)
        limits = curve["low"], curve["high"]
        axes.fill_between(curve["step"], *limits, color=colour, alpha=0.15, lw=0)
    axes.set(xscale="log", yscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_locator(NullLocator())


def _interval(line: Any) -> str:
    if np.isnan(line.exponent):
        return NOTHING
    if np.isnan(line.exponent_low):
        return f"{line.exponent:.2f}"
    return f"{line.exponent:.2f} [{line.exponent_low:.2f}, {line.exponent_high:.2f}]"


def _percent(share: float) -> str:
    return NOTHING if np.isnan(share) else f"{share:.0%}"


def _title(corruption: str, network: str) -> str:
    return f"{name_of(network)}, {name_of(corruption)}"
