"""How methods look in every table and figure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True)
class Look:
    """Name for people, colour (Okabe and Ito's palette, safe for the colour-blind), marker."""

    label: str
    colour: str
    marker: str


LOOKS = {
    "baseline": Look("Baseline", "#000000", "o"),
    "proportion": Look("Proportion", "#E69F00", "s"),
    "resample": Look("Resample", "#56B4E9", "^"),
    "hard_mining": Look("Hard mining", "#009E73", "v"),
    "random": Look("Random", "#CC79A7", "D"),
    "l2rw": Look("L2RW", "#D55E00", "P"),
}

RC: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    # Text stays text, and equal figures give equal bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "l2rw",
    "pdf.fonttype": 42,
}


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure in every format, without the date, so that equal figures are equal files."""
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with mpl.rc_context(RC):
        for suffix in FORMATS:
            figure.savefig(folder / f"{name}.{suffix}", metadata=undated[suffix])
    plt.close(figure)
