"""Weights that half-trained L2RW gives right and flipped labels, as in Figure 3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from l2rw.analysis.collect import collect_csv
from l2rw.analysis.drawing import add_legend
from l2rw.analysis.statistics import column_of_text, summarise
from l2rw.analysis.style import RC
from l2rw.store.paths import PROBE
from l2rw.training.plan_file import PlanFile

value = "mean"
named_by = ("panel", "label", "quantity")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

BINS = 40
PANELS = {"mixed": "Batches of all classes", "single class": "Batches of a single class"}
COLOURS = {"clean": "#0072B2", "flipped": "#D55E00"}


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the weights of all images probed; see :func:`l2rw.analysis.collect.collect_csv`."""
    columns = {"panel": str, "batch": int, "image": int, "clean": bool, "weight": float}
    return collect_csv(plan, runs, PROBE, columns)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return figures of the weights of the clean and of the flipped images in either panel.

    Returns:
        By ``panel``, ``label`` (``clean`` or ``flipped``) and ``quantity`` the ``mean`` over seeds
        of: ``bin_share``, the share of images with a weight in [``bin_start``, ``bin_end``);
        ``zero_share``, that of images with weight zero; ``mean_weight``, in units of the weight of
        plain averaging.
    """
    keys = ["panel", "label", "seed"]
    runs = runs.assign(label=np.where(runs["clean"], "clean", "flipped"))
    edges = np.linspace(0, max(1, runs["weight"].max()), BINS + 1)
    lines = []
    for key, weights in runs.groupby(keys)["weight"]:
        own = dict(zip(keys, key, strict=True))
        shares = np.histogram(weights, edges)[0] / len(weights)
        lines += [
            {**own, "quantity": "bin_share", "bin_start": start, "bin_end": end, "value": share}
            for start, end, share in zip(edges, edges[1:], shares, strict=False)
        ]
        lines.append({**own, "quantity": "zero_share", "value": (weights == 0).mean()})
        lines.append({**own, "quantity": "mean_weight", "value": weights.mean()})
    by = ["panel", "label", "quantity", "bin_start", "bin_end"]
    table = summarise(pd.DataFrame(lines), by, "value")
    return table.rename(columns={"half_width": "ci95_half_width"})


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: how many weights are zero, and the mean weight."""
    zero, mean = (table[table["quantity"] == name] for name in ("zero_share", "mean_weight"))
    columns = {
        "weight zero (%)": column_of_text(100 * zero["mean"], 100 * zero["ci95_half_width"]),
        "mean weight": column_of_text(mean["mean"], mean["ci95_half_width"]),
    }
    labels = zero["panel"].map(PANELS) + ", " + zero["label"] + " images"
    return pd.DataFrame(columns, index=pd.Index(labels, name="Images"))


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a panel for each kind of batch, the histograms of clean and flipped images in it."""
    bins = table[table["quantity"] == "bin_share"]
    handles: dict[str, Artist] = {}
    with mpl.rc_context(RC):
        figure, panels = plt.subplots(1, len(PANELS), sharex=True, sharey=True, figsize=(6.4, 2.9))
        for axes, (panel, title) in zip(panels, PANELS.items(), strict=True):
            for label, colour in COLOURS.items():
                shown = bins[(bins["panel"] == panel) & (bins["label"] == label)]
                if len(shown):
                    edges = [*shown["bin_start"], shown["bin_end"].iloc[-1]]
                    percent, name = 100 * shown["mean"], f"{label} images"
                    axes.stairs(percent, edges, fill=True, color=colour, alpha=0.25)
                    handles[label] = axes.stairs(percent, edges, color=colour, label=name)
            axes.set(title=title, xlabel="Weight (1: plain averaging)", yscale="log")
        panels[0].set_ylabel("Images (%)")
        panels[0].yaxis.set_major_formatter("{x:g}")
        add_legend(figure, list(handles.values()))
    return figure
