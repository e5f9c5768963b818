"""Figure 2: error against the majority share, one line for each method (section 4.1)."""

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis.statistics import summarise
from l2rw.analysis.style import LOOKS, RC


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and interval of the error for every method and majority share, in percent."""
    table = summarise(runs, ["majority_share", "method"], "test_error")
    table[["mean", "half_width"]] *= 100
    return table.rename(columns={"mean": "error_percent", "half_width": "ci95_half_width"})


def markdown(table: pd.DataFrame) -> str:
    """Write the summary as a table for people: error in percent, methods by majority share."""
    shares = list(dict.fromkeys(table["majority_share"]))
    lines = [
        "| Error (%) at majority share | " + " | ".join(map(str, shares)) + " |",
        "|---" * (len(shares) + 1) + "|",
    ]
    for method, rows in table.groupby("method", sort=False):
        errors = rows.set_index("majority_share")[["error_percent", "ci95_half_width"]]
        cells = [_plus_minus(*errors.loc[share]) for share in shares]
        lines.append(f"| {LOOKS[str(method)].label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _plus_minus(mean: float, half_width: float) -> str:
    return f"{mean:.2f}" if np.isnan(half_width) else f"{mean:.2f} ± {half_width:.2f}"


def draw(table: pd.DataFrame, settings: dict[str, Any]) -> Figure:
    """Draw the figure from its summary: lines with bands, or points with bars for one share."""
    shares = list(dict.fromkeys(table["majority_share"]))
    with mpl.rc_context(RC):
        figure, axes = plt.subplots(figsize=(5.2, 3.4))
        for method, rows in table.groupby("method", sort=False):
            look = LOOKS[str(method)]
            style: dict[str, Any] = {
                "color": look.colour,
                "marker": look.marker,
                "label": look.label,
                "ms": 4,
            }
            mean, half = rows["error_percent"], rows["ci95_half_width"].fillna(0)
            if len(shares) == 1:
                axes.errorbar([look.label], mean, half, **style, capsize=3)
                continue
            # Shares bunch up towards 1: they stand at equal distances, as in the paper.
            at = [shares.index(share) for share in rows["majority_share"]]
            axes.plot(at, mean, **style)
            axes.fill_between(at, mean - half, mean + half, color=look.colour, alpha=0.15, lw=0)
        classes = f"{settings['majority']} against {settings['minority']}"
        if len(shares) == 1:
            axes.set_title(f"Share of the majority class {shares[0]:g} ({classes})", fontsize=9)
        else:
            axes.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
            axes.set_xlabel(f"Share of the majority class ({classes})")
            axes.legend(fontsize=8)
        axes.set_ylabel("Test error (%)")
        axes.set_ylim(bottom=0)
    return figure
