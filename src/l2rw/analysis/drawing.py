"""What several figures draw: estimates with bars, lines with bands, legends."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import Container, ErrorbarContainer
from matplotlib.figure import Figure
from numpy.typing import ArrayLike


def draw_bars(
    axes: Axes, at: ArrayLike, mean: pd.Series, half_width: pd.Series, **style: Any
) -> ErrorbarContainer:
    """Draw estimates as points with bars.

    Args:
        axes: Where to.
        at: Height of each estimate in lines, see :func:`name_lines`, shape (n,).
        mean: NaN where there is no estimate, shape (n,).
        half_width: Of the intervals, NaN where unknown, shape (n,).
        style: Of the points and bars.

    Returns:
        What a legend can show.
    """
    common: dict[str, Any] = {
        "markersize": 4.5,
        "capsize": 2.5,
        "elinewidth": 1.2,
    }
    return axes.errorbar(mean, at, xerr=half_width, **(common | style | {"linestyle": "none"}))


def name_lines(axes: Axes, labels: Sequence[str]) -> None:
    """Name the lines of estimates, the first one on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def draw_band(
    axes: Axes, x: pd.Series, mean: pd.Series, half_width: pd.Series, **style: Any
) -> None:
    """Draw a line, and its intervals as a band where they are known.

    Args:
        axes: Where to.
        x: Ascending, shape (n,).
        mean: Shape (n,).
        half_width: Of the intervals, NaN where unknown, shape (n,).
        style: Of the line.
    """
    axes.plot(x, mean, **style)
    low, high = mean - half_width, mean + half_width
    axes.fill_between(x, low, high, color=style["color"], alpha=0.15, lw=0)


def within_percent(axes: Axes, *, across: bool = False) -> None:
    """Cut a figure of percentages to what there is, whatever intervals say.

    Args:
        axes: Of the figure.
        across: Whether percentages run from left to right; else they run upwards.
    """
    low, high = axes.get_xlim() if across else axes.get_ylim()
    cut = axes.set_xlim if across else axes.set_ylim
    cut(max(low, 0.0), min(high, 101.0))


def add_legend(figure: Figure, handles: Sequence[Artist | Container]) -> None:
    """Put a legend below everything else, in as many columns as fit."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    column = 0.62 + 0.06 * longest  # inches: line, spaces, and letters at the legend's font size
    columns = max(1, int(figure.get_figwidth() / column))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)
