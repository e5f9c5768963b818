"""The files of an experiment: its table of runs, its figure, and the record of what made them."""

import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from l2rw.analysis import figure2
from l2rw.analysis.collect import collect, write_csv
from l2rw.analysis.style import save
from l2rw.analysis.tables import to_html, to_markdown

DRAWN_BY: dict[str, ModuleType] = {"figure2": figure2}
"""Each module has ``summary``, ``for_people`` and ``draw``; see :mod:`l2rw.analysis.figure2`."""


def tabulate(plan: dict[str, Any], runs: Path, folder: Path) -> None:
    """Write ``NAME.csv`` (a line for each run), ``.md`` and ``.html`` (for people), ``.json``."""
    name = plan["experiment"]
    table = collect(plan, runs)
    drawn_by = DRAWN_BY[name]
    write_csv(table, folder / f"{name}.csv")
    read = drawn_by.for_people(drawn_by.summary(table))
    (folder / f"{name}.md").write_text(f"{plan['caption']}\n\n{to_markdown(read)}")
    (folder / f"{name}.html").write_text(to_html(read, plan["caption"]))
    made_by = {
        column: dict(Counter(table[column].fillna("unknown")))
        for column in ("commit", "source", "device")
    }
    _record(plan, folder, runs_by=made_by)


def draw(plan: dict[str, Any], table: Path, folder: Path) -> None:
    """Draw ``NAME.pdf``, ``.svg``, ``.png``, the summary ``NAME.csv``, the record ``NAME.json``."""
    name = plan["experiment"]
    summary = DRAWN_BY[name].summary(pd.read_csv(table))
    write_csv(summary, folder / f"{name}.csv")
    save(DRAWN_BY[name].draw(summary, plan["settings"]), folder, name)
    _record(plan, folder)


def _record(plan: dict[str, Any], folder: Path, **more: Any) -> None:
    """Say which plan the files beside were made from: what tells a stale file from a current."""
    record = {
        "plan": plan["digest"],
        "configuration": plan["configuration"],
        "caption": plan["caption"],
        "seeds": plan["seeds"],
        "settings": plan["settings"],
        **more,
    }
    (folder / f"{plan['experiment']}.json").write_text(json.dumps(record, indent=1) + "\n")
