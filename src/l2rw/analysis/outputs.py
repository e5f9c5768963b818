"""The files of an experiment: its table of runs, its figure, and the record of what made them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from matplotlib.figure import Figure

from l2rw.analysis import paper, published
from l2rw.analysis.collect import MADE, read_table, write_table
from l2rw.analysis.inputs import (
    FIGURE_FILES,
    TABLE_FILES,
    Inputs,
    inputs_of_figure,
    inputs_of_table,
)
from l2rw.analysis.style import save
from l2rw.analysis.tables import to_html, to_latex, to_markdown
from l2rw.config.kinds import KINDS
from l2rw.store.checksums import digests_of, require_plan, write_record
from l2rw.store.files import write_text
from l2rw.store.records import load
from l2rw.training.plan_file import PlanFile


class Drawing(Protocol):
    """How an experiment becomes a table and a figure: an object, or a module with functions."""

    value: str | None
    """Column of the summary with the numbers that ``metrics.json`` holds; None for none."""
    named_by: Sequence[str]
    """Columns that name these numbers; of lines with equal names the last one counts."""

    def collect(self, plan: PlanFile, runs: Path, /) -> pd.DataFrame:
        """Read what planned runs left: tidy, each line with ``seed`` and what made it."""

    def summary(self, runs: pd.DataFrame, /) -> pd.DataFrame:
        """Return what the figure shows: tidy, means over seeds with their intervals."""

    def format_table(self, table: pd.DataFrame, /) -> pd.DataFrame:
        """Arrange the summary for reading: text in cells, columns of one or two levels."""

    def draw(self, table: pd.DataFrame, settings: Mapping[str, Any], /) -> Figure:
        """Draw the summary; ``settings`` are the experiment's."""


def drawing_of(experiment: str, settings: Mapping[str, Any]) -> Drawing:
    """Return how an experiment of given settings becomes a table and a figure."""
    found = load(KINDS[settings["kind"]].drawing)
    drawing: Drawing = found(experiment, settings) if callable(found) else found
    return drawing


def caption_of(plan: PlanFile, runs: pd.DataFrame) -> str:
    """Return the plan's caption with what to know of numbers that stand beside ours."""
    datasets = list(runs.get("dataset", pd.Series(dtype=str)).unique())
    name = plan.experiment
    elsewhere = published.notes(name, plan.settings, datasets)
    return " ".join([plan.caption, *paper.notes(name, datasets), *elsewhere])


def tabulate(plan: PlanFile, runs: Path, folder: Path) -> None:
    """Write ``NAME.csv`` (what runs left), ``.md``, ``.html``, ``.tex`` (for people), ``.json``."""
    name = plan.experiment
    drawing = drawing_of(name, plan.settings)
    table = drawing.collect(plan, runs)
    write_table(table, folder / f"{name}.csv")
    read = drawing.format_table(drawing.summary(table))
    caption = caption_of(plan, table)
    write_text(folder / f"{name}.md", f"{caption}\n\n{to_markdown(read)}")
    write_text(folder / f"{name}.html", to_html(read, caption))
    write_text(folder / f"{name}.tex", to_latex(read, caption, name))
    by_run = table.dropna(subset="cell").drop_duplicates(["cell", "seed"])
    made_by = {column: dict(Counter(by_run[column].fillna("unknown"))) for column in MADE}
    inputs = inputs_of_table(plan, runs)
    _record(plan, folder, TABLE_FILES, inputs, runs_by=made_by)


def draw(plan: PlanFile, table: Path, folder: Path) -> None:
    """Draw ``NAME.pdf``, ``.svg``, ``.png``, the summary ``NAME.csv``, the record ``NAME.json``."""
    name = plan.experiment
    require_plan(table.with_suffix(".json"), plan.digest)
    drawing = drawing_of(name, plan.settings)
    summary = drawing.summary(read_table(table))
    write_table(summary, folder / f"{name}.csv")
    save(drawing.draw(summary, plan.settings), folder, name)
    _record(plan, folder, FIGURE_FILES, inputs_of_figure(table))


def _record(
    plan: PlanFile, folder: Path, suffixes: Sequence[str], inputs: Inputs, **more: Any
) -> None:
    """Record what the files were made from, so that stale files can be recognised."""
    record = {
        "plan": plan.digest,
        "configuration": plan.configuration,
        "caption": plan.caption,
        "seeds": plan.seeds,
        "settings": dict(plan.settings),
        "inputs": digests_of(inputs),
        **more,
    }
    path = folder / f"{plan.experiment}.json"
    write_record(path, record, [path.with_suffix(f".{suffix}") for suffix in suffixes])
