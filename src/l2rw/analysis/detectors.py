"""Detectors of wrong labels, side by side: how much they find, and what they cost."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis.collect import Job, jobs, unreadable
from l2rw.analysis.drawing import add_legend, draw_bars, name_lines
from l2rw.analysis.quality import Quality, quality
from l2rw.analysis.statistics import NOTHING, plus_minus, summarise
from l2rw.analysis.style import RC, look
from l2rw.store.checksums import read_run, verified
from l2rw.store.errors import UserError
from l2rw.store.paths import DETECTORS, DETECTORS_RECORD, TRAINED_ON, UNSEEN
from l2rw.training.plan_file import PlanFile

value = "mean"
named_by = ("row", "part", "detector", "quantity")
"""See :class:`l2rw.analysis.outputs.Drawing`."""

LABELS = {
    "loss": "loss",
    "margin": "margin",
    "influence": "influence",
    "confident_learning": "confident learning",
    "weight": "weight",
}
SHARES = {"auc": "AUC", "average_precision": "average precision", "recall": "recall"}
"""Quantities in percent, by their names for people."""
COSTS = {"seconds": "seconds", "sgd_runs": "SGD runs"}
PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    UNSEEN: ("held out", {"color": "#0072B2", "marker": "o"}),
    TRAINED_ON: ("trained on", {"color": "#D55E00", "marker": "D", "mfc": "white"}),
}
"""Names for people of the parts whose labels are looked at, and how they are drawn."""


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Measure what the detectors of all planned runs found.

    Returns:
        A line for each run, ``part`` and ``detector``: the fields of
        :class:`~l2rw.analysis.quality.Quality` in [0, 1], how many ``examples`` have a score and
        how many of them are ``wrong``, the ``seconds`` that the scores took, and the same in
        ``sgd_runs``, runs of SGD with as many steps.

    Raises:
        UserError: As :func:`l2rw.analysis.collect.jobs`, or there is nothing to find.
    """
    return pd.DataFrame([line for job in jobs(plan, runs) for line in _measured(job)])


def _measured(job: Job) -> Iterator[dict[str, Any]]:
    path = verified(job.folder / DETECTORS)
    told = read_run(job.folder / DETECTORS_RECORD, job.made["cell"])
    try:
        examples = pd.read_csv(path)
        took = {(t["seed"], t["part"], t["detector"]): t["seconds"] for t in told["seconds"]}
        names = [name for name in LABELS if name in examples]
        known = examples.dropna(subset=["clean"]).groupby(["seed", "part"], sort=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, "what detectors found", error) from None
    wanted = [run["seed"] for run in job.runs]
    if missing := set(wanted) - set(examples["seed"]):
        raise UserError(
            f"{path} has no line for seed {min(missing)}.", f"delete {path} and run again."
        )
    for (seed, part), of_part in known:
        for name in names:
            scored = of_part.dropna(subset=[name])
            if seed not in wanted or scored.empty:
                continue
            wrong = scored["clean"].to_numpy() == 0
            if wrong.all() or not wrong.any():
                raise UserError(
                    f"Of the labels of seed {seed} in {path}, part {part}, all are wrong, "
                    "or none is: there is nothing to find.",
                    "compare detectors on noisy labels.",
                )
            seconds = took[seed, part, name]
            yield {
                **job.setting,
                "seed": seed,
                "part": part,
                "detector": name,
                **quality(scored[name].to_numpy(), wrong)._asdict(),
                "examples": len(wrong),
                "wrong": int(wrong.sum()),
                "seconds": seconds,
                "sgd_runs": seconds / told["sgd_run_seconds"],
                **job.made,
            }


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return, by ``row``, ``part``, ``detector`` and ``quantity``, mean and interval over seeds.

    Shares are in percent.
    """
    quantities = [*Quality._fields, *COSTS]
    keys = ["row", "part", "detector"]
    long = runs.melt([*keys, "seed"], quantities, "quantity", "value")
    long.loc[long["quantity"].isin(SHARES), "value"] *= 100
    table = summarise(long, [*keys, "quantity"], "value")
    order = [list(order).index for order in (PARTS, LABELS, quantities)]
    places = [
        (rows.index(row), *(at(key) for at, key in zip(order, others, strict=True)))
        for rows in [list(dict.fromkeys(table["row"]))]
        for row, *others in table[[*keys, "quantity"]].itertuples(index=False, name=None)
    ]
    table = table.iloc[sorted(range(len(table)), key=places.__getitem__)]
    return table.rename(columns={"half_width": "ci95_half_width"}).reset_index(drop=True)


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange the summary for reading: a line for each row and detector, columns by part."""
    text = {
        (row, detector, part, quantity): _cell(quantity, mean, half_width)
        for row, part, detector, quantity, mean, half_width, _ in table.itertuples(
            index=False, name=None
        )
    }
    lines = list(dict.fromkeys((row, detector) for row, detector, *_ in text))
    parts = list(dict.fromkeys(part for _, _, part, _ in text))
    columns = {
        (PARTS[part][0], title): [text.get((*line, part, quantity), NOTHING) for line in lines]
        for part in parts
        for quantity, title in (SHARES | COSTS).items()
    }
    names = [_name(*line) for line in lines]
    return pd.DataFrame(columns, index=pd.Index(names, name="Wrong labels found (%)"))


def _cell(quantity: str, mean: float, half_width: float) -> str:
    if quantity in SHARES:
        return plus_minus(mean, half_width)
    return f"{mean:.2f}" if quantity == "seconds" else f"{mean:.3f}"


def _name(row: str, detector: str) -> str:
    return f"{look(row).label}: {LABELS[detector]}"


def draw(table: pd.DataFrame, settings: Mapping[str, Any]) -> Figure:
    """Draw a panel for each share, a line for each row and detector, a point for each part."""
    lines = list(dict.fromkeys(table[["row", "detector"]].itertuples(index=False, name=None)))
    parts = [part for part in PARTS if part in set(table["part"])]
    with mpl.rc_context(RC):
        figure, panels = plt.subplots(
            1, len(SHARES), sharey=True, figsize=(7.6, 1.2 + 0.26 * len(lines))
        )
        for axes, (quantity, title) in zip(panels, SHARES.items(), strict=True):
            shown = table[table["quantity"] == quantity].set_index(["row", "detector"])
            for place, part in enumerate(parts):
                label, style = PARTS[part]
                of_part = shown[shown["part"] == part].reindex(pd.MultiIndex.from_tuples(lines))
                at = np.arange(len(lines)) + 0.3 * (place - (len(parts) - 1) / 2)
                estimates = of_part["mean"], of_part["ci95_half_width"]
                draw_bars(axes, at, *estimates, label=label, **style)
            axes.set_xlim(max(axes.get_xlim()[0], 0.0), 101.0)  # whatever intervals say
            axes.set_xlabel(f"{title[0].upper()}{title[1:]} (%)")
            name_lines(axes, [_name(*line) for line in lines])
        add_legend(figure, panels[0].containers)
    return figure
