"""How data sets, networks and methods are named and look in every table and figure."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.datasets.catalog import CATALOG
from l2rw.methods import METHODS
from l2rw.methods.rows import split_row
from l2rw.models import MODELS
from l2rw.store.files import replacing

FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True)
class Look:
    """Name for people, and how its line is drawn."""

    label: str
    colour: str
    """Of Okabe and Ito's palette, or of Tol's where that has no more: safe for the colour-blind."""
    marker: str
    line: str | tuple[int, tuple[int, ...]] = "-"
    hollow: bool = False
    """Whether its markers are."""

    @property
    def style(self) -> dict[str, Any]:
        """The same as Matplotlib's properties of a line."""
        return {
            "label": self.label,
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.line,
            "markersize": 4,
            "markerfacecolor": "white" if self.hollow else self.colour,
        }


PINNED = {
    "baseline": ("#000000", "o"),
    "proportion": ("#E69F00", "s"),
    "resample": ("#56B4E9", "^"),
    "hard_mining": ("#009E73", "v"),
    "random": ("#CC79A7", "D"),
    "weighted": ("#DDCC77", "p"),
    "reed_hard": ("#882255", "<"),
    "reed_soft": ("#EE6677", ">"),
    "s_model": ("#0072B2", "X"),
    "s_model_conf": ("#66CCEE", "d"),
    "mentornet": ("#777777", "*"),
    "clean_only": ("#661100", "h"),
    "l2rw": ("#D55E00", "P"),
}
"""Colour and marker of the paper's methods; the others take turns at the combinations left."""
QUOTED = {"mentornet": "MentorNet"}
"""Methods that have no record: only the paper's numbers of them are shown."""
LINES: dict[tuple[str, ...], str | tuple[int, tuple[int, ...]]] = {
    (): "-",
    ("es",): "--",
    ("ft",): ":",
    ("es", "ft"): "-.",
    ("ema",): (0, (8, 2)),
    ("es", "ema"): (0, (4, 2, 4, 2, 1, 2)),
    ("ema", "ft"): (0, (1, 3)),
    ("es", "ema", "ft"): (0, (6, 2, 1, 2, 1, 2)),
}
"""By the variants of a method; markers of the fine-tuned are hollow."""

RC: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "grid.color": "#e5e5e5",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.8,
    "legend.columnspacing": 1.5,
    "lines.linewidth": 1.2,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    # Text stays text, and equal figures give equal bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "l2rw",
    "pdf.fonttype": 42,
}


def look(row: str) -> Look:
    """Return the look of a row: a method with its variants, such as ``baseline+es+ft``."""
    method, variants, settings = split_row(row)
    label = QUOTED[method] if method in QUOTED else METHODS[method].label
    colour, marker = _colours_and_markers()[method]
    return Look(
        label=" +".join([", ".join([label, *settings]), *map(str.upper, variants)]),
        colour=colour,
        marker=marker,
        line=LINES[variants],
        hollow="ft" in variants,
    )


@cache
def _colours_and_markers() -> dict[str, tuple[str, str]]:
    colours, markers = zip(*PINNED.values(), strict=True)
    n = len(PINNED)
    left = ((colours[i], markers[(i + shift) % n]) for shift in range(1, n) for i in range(n))
    return PINNED | {method: next(left) for method in METHODS if method not in PINNED}


def name_of(thing: str) -> str:
    """Return the name for people of a data set, network or corruption."""
    known = [records for records in (CATALOG, MODELS, CORRUPTIONS) if thing in records]
    return known[0][thing].label if known else thing


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure in every format, without the date, so that equal figures are equal files."""
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with mpl.rc_context(RC):
        for suffix in FORMATS:
            with replacing(folder / f"{name}.{suffix}") as partial:
                figure.savefig(partial, metadata=undated[suffix])
    plt.close(figure)
