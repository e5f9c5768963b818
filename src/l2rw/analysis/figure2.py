"""Figure 2: error against the majority share, one line for each method (section 4.1)."""

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis.statistics import plus_minus, summarise
from l2rw.analysis.style import LOOKS, RC


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and interval of the error for every method and majority share, in percent."""
    table = summarise(runs, ["majority_share", "method"], "test_error")
    table[["mean", "half_width"]] *= 100
    return table.rename(columns={"mean": "error_percent", "half_width": "ci95_half_width"})


def for_people(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: a row for each method, a column for each share."""
    shares = list(dict.fromkeys(table["majority_share"]))
    methods = list(dict.fromkeys(table["method"]))
    cells = table.set_index(["method", "majority_share"])
    return pd.DataFrame(
        [
            [plus_minus(*cells.loc[(m, s), ["error_percent", "ci95_half_width"]]) for s in shares]
            for m in methods
        ],
        index=pd.Index([LOOKS[m].label for m in methods], name="Test error (%)"),
        columns=[f"{share:g}" for share in shares],
    )


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
