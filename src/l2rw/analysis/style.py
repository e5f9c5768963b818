"""How data sets, networks and methods are named and look in every table and figure."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True)
class Look:
    """Name for people, and how its line is drawn."""

    label: str
    colour: str
    """Of Okabe and Ito's palette, or of Tol's where that has no more: safe for the colour-blind."""
    marker: str
    line: str = "-"
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


LOOKS = {
    "baseline": Look("Baseline", "#000000", "o"),
    "proportion": Look("Proportion", "#E69F00", "s"),
    "resample": Look("Resample", "#56B4E9", "^"),
    "hard_mining": Look("Hard mining", "#009E73", "v"),
    "random": Look("Random", "#CC79A7", "D"),
    "weighted": Look("Weighted", "#DDCC77", "p"),
    "reed_hard": Look("Reed Hard", "#882255", "<"),
    "reed_soft": Look("Reed Soft", "#EE6677", ">"),
    "s_model": Look("S-Model", "#0072B2", "X"),
    "s_model_conf": Look("S-Model +Conf", "#66CCEE", "d"),
    "mentornet": Look("MentorNet", "#777777", "*"),
    "clean_only": Look("Clean Only", "#661100", "h"),
    "l2rw": Look("L2RW", "#D55E00", "P"),
}
LINES = {(): "-", ("es",): "--", ("ft",): ":", ("es", "ft"): "-."}
"""By the variants of a method; markers of the fine-tuned are hollow."""

NAMES = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "resnet32": "ResNet-32",
    "wrn28_10": "WRN-28-10",
    "uniform_flip": "UniformFlip",
    "background_flip": "BackgroundFlip",
}

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
    method, *variants = row.split("+")
    label = " +".join([LOOKS[method].label, *map(str.upper, variants)])
    return replace(LOOKS[method], label=label, line=LINES[tuple(variants)], hollow="ft" in variants)


def name_of(thing: str) -> str:
    """Return the name for people of a data set, network or corruption."""
    return NAMES.get(thing, thing)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure in every format, without the date, so that equal figures are equal files."""
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with mpl.rc_context(RC):
        for suffix in FORMATS:
            figure.savefig(folder / f"{name}.{suffix}", metadata=undated[suffix])
    plt.close(figure)
