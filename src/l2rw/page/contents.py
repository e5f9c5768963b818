"""The content of the page: headline, experiments with their verdicts, provenance."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from l2rw.analysis.collect import read_table
from l2rw.analysis.inputs import own_cells
from l2rw.analysis.outputs import caption_of, drawing_of
from l2rw.claims.claims import claims
from l2rw.claims.entries import read_entries
from l2rw.claims.words import COUNTED, SIGNS, verdict_in_words
from l2rw.page.headline import headline
from l2rw.page.own import OwnData, own_data
from l2rw.page.pictures import Picture, pictures_of
from l2rw.store.checksums import read_result, verified
from l2rw.store.paths import CLAIMS, Results
from l2rw.training.plan_file import PlanFile


@dataclass(frozen=True)
class Verdict:
    """A claim, judged."""

    sign: str
    style: str
    """Name of the verdict as a CSS class."""
    verdict: str
    title: str
    where: str
    says: str
    found: str


@dataclass(frozen=True)
class Table:
    """A table of text."""

    heads: list[list[tuple[str, int]]]
    """Lines of the head: texts, and how many columns each spans."""
    rows: list[list[str]]


@dataclass(frozen=True)
class Section:
    """An experiment on the page."""

    name: str
    title: str
    caption: str
    figure: str
    """SVG as a data URI."""
    table: Table | None
    """None where ``own`` shows its numbers, with wider intervals."""
    verdicts: list[Verdict]
    pictures: list[Picture]
    settings: str
    """As YAML."""
    own: list[OwnData]
    """What the page shows of a user's own data sets."""
    runs: dict[str, dict[str, int]]
    """What made its runs: commit, source, device, precision, each with the number of runs."""


def contents(plans: Sequence[PlanFile], results: Path) -> dict[str, Any]:
    """Return what the template shows."""
    there = Results(results)
    judged = read_entries(verified(results / CLAIMS)).drop_duplicates("claim")
    sections = [_section(plan, there, judged) for plan in plans]
    papers = judged[judged["whose"] == "the paper's"]
    own = [one for section in sections for one in section.own]
    return {
        "name": plans[0].configuration,
        # Where all data are the user's own, the paper's claims are not at stake.
        "about_the_paper": not all(cell.data_file for plan in plans for cell in plan.cells),
        "headline": [*headline(plans, there), *(f"{one.name}: {one.verdict}" for one in own)],
        "scale": _scale(papers),
        "counts": _counts(papers),
        "sections": sections,
        "untested": [_verdict(line) for line in _lines(judged) if line["verdict"] == "not tested"],
    }


def _section(plan: PlanFile, there: Results, judged: pd.DataFrame) -> Section:
    name = plan.experiment
    drawing = drawing_of(name, plan.settings)
    runs = read_table(there.table(name))
    is_own = len(own_cells(plan)) == len(plan.cells)
    shown_by = {claim.id for claim in claims() if claim.shown_by == name}
    return Section(
        name=name,
        title=str(plan.settings.get("title") or name.replace("_", " ").capitalize()),
        caption=caption_of(plan, runs),
        figure=_embedded(there.figure(name, "svg")),
        table=None if is_own else _table(drawing.format_table(drawing.summary(runs))),
        verdicts=[
            _verdict(line)
            for line in _lines(judged)
            if line["claim"] in shown_by and line["verdict"] != "not tested"
        ],
        pictures=pictures_of(plan, there),
        own=own_data(plan, there),
        settings=yaml.safe_dump(dict(plan.settings), allow_unicode=True, sort_keys=False),
        runs=read_result(there.table(name, "json"))["runs_by"],
    )


def _lines(judged: pd.DataFrame) -> Iterator[dict[str, str]]:
    for line in judged.to_dict("records"):
        yield {str(key): str(value) for key, value in line.items()}


def _verdict(line: dict[str, Any]) -> Verdict:
    return Verdict(
        sign=SIGNS[line["verdict"]],
        style=line["verdict"].replace(" ", "-"),
        verdict=verdict_in_words(line["verdict"], line["scale"] or None).replace(
            f"{SIGNS[line['verdict']]} ", ""
        ),
        title=line["title"],
        where=line["where"],
        says=line["says"],
        found=line["found"],
    )


def _scale(papers: pd.DataFrame) -> str:
    tested = papers[papers["verdict"] != "not tested"]
    counted = int(tested["scale"].isin(COUNTED).sum())
    told = f"{len(tested)} of the paper's {len(papers)} claims are judged here"
    if not counted:
        return (
            f"{told}, none of them at the paper's scale: with other data or shorter training they "
            "show what the method does, and are no evidence about the paper."
        )
    if counted == len(tested):
        return f"{told}, at the paper's scale."
    return f"{told}, {counted} of them at the paper's scale; the others are no evidence about it."


def _counts(papers: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Return each verdict's sign, name and count, those that occur."""
    found = papers["verdict"].value_counts()
    return [(sign, str(v), int(found[v])) for v, sign in SIGNS.items() if v in found]


def _table(table: pd.DataFrame) -> Table:
    levels = [head if isinstance(head, tuple) else (head,) for head in table.columns]
    heads: list[list[tuple[str, int]]] = []
    for depth in range(table.columns.nlevels):
        last = depth == table.columns.nlevels - 1
        line = [(str(table.index.name) if last else "", 1)]
        for level in levels:
            if not last and line[-1][0] == level[depth] and len(line) > 1:
                line[-1] = (line[-1][0], line[-1][1] + 1)
            else:
                line.append((level[depth], 1))
        heads.append(line)
    rows = zip(table.index, table.to_numpy(), strict=True)
    return Table(heads, [[str(index), *map(str, cells)] for index, cells in rows])


def _embedded(path: Path) -> str:
    content = verified(path).read_bytes()
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
