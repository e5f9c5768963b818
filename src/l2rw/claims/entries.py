"""Every claim judged, with what a reader must know beside the verdict."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from l2rw.analysis.inputs import BENCH
from l2rw.analysis.style import name_of
from l2rw.claims.claims import claims
from l2rw.claims.evidence import Evidence
from l2rw.claims.measures import Tables
from l2rw.claims.verdicts import Finding, Judged, confidence, judge
from l2rw.claims.words import COUNTED, found_in_words


class Paper(NamedTuple):
    """What must be known of the paper's configuration, which analysis does not know."""

    tables: Tables
    """Settings and cells of its experiments, see :func:`l2rw.claims.evidence.planned`."""
    hours: Callable[[Sequence[str]], float]
    """Estimated hours of one GPU that some of its experiments take together."""
    bench: str
    """File of its timings, in the folder of its results."""


class Entry(NamedTuple):
    """A claim in the ledger."""

    judged: Judged
    data: list[str]
    """Data sets of its runs, as for people."""
    sources: list[str]
    """Versions of the source that made its runs."""
    command: str
    """What makes its results at the paper's scale."""
    hours: float | None
    """Estimated hours of one GPU that the command takes; None where nothing is left to do: the
    paper's settings have decided all parts."""


class Ledger(NamedTuple):
    """All claims, and what they were judged on."""

    entries: list[Entry]
    level: float
    """Of all intervals."""
    evidence: Evidence
    paper: Tables
    """Of the paper's configuration, without results."""


def make_ledger(evidence: Evidence, paper: Paper) -> Ledger:
    """Judge all claims."""
    judged = judge(claims(), evidence.tables, paper.tables)
    entries = [_entry(one, evidence, paper) for one in judged]
    return Ledger(
        entries, confidence(sum(bool(one.findings) for one in judged)), evidence, paper.tables
    )


def to_table(ledger: Ledger) -> pd.DataFrame:
    """Return a line for each finding, and for each claim that was not tested."""
    lines = []
    for judged, data, sources, command, hours in ledger.entries:
        claim = judged.claim
        about = {
            "configuration": ledger.evidence.configuration,
            "claim": claim.id,
            "title": claim.title,
            "where": claim.where,
            "whose": "ours" if claim.ours else "the paper's",
            "says": claim.says,
            "verdict": judged.verdict,
            "scale": judged.scale,
            "data": ", ".join(data),
            "sources": ", ".join(sources),
            "found": found_in_words(judged),
            "missing": judged.missing,
            "command": command,
            "hours": hours,
        }
        lines += [about | _found(finding, ledger.level) for finding in judged.findings] or [about]
    # None of the claims may have been tested: then no line has these columns.
    columns = [*about, *FOUND]
    return pd.DataFrame(lines).reindex(columns=columns).astype({"seeds": "Int64"})


def read_entries(path: Path) -> pd.DataFrame:
    """Read what :func:`to_table` made, all as text: a digest may look like a number."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


FOUND = (
    *("part", "effect", "low", "high", "unit", "confidence", "region", "outcome", "seeds"),
    "cells",
)
"""Columns of a finding."""


def _found(finding: Finding, confidence: float) -> dict[str, Any]:
    values = (
        finding.comparison.name,
        finding.effect,
        finding.low,
        finding.high,
        finding.part.unit,
        confidence,
        finding.part.region,
        finding.outcome,
        finding.seeds,
        " ".join(finding.comparison.cells),
    )
    return dict(zip(FOUND, values, strict=True))


def _entry(judged: Judged, evidence: Evidence, paper: Paper) -> Entry:
    claim = judged.claim
    cells = sorted({cell for one in judged.findings for cell in one.comparison.cells})
    sources = sorted(set(evidence.made(cells, claim.needs)["source"].dropna()))
    data = {
        name_of(cell.dataset)
        for name in claim.needs
        if name in evidence.plans
        for cell in evidence.plans[name].cells
        if cell.id in cells
    }
    trained = [name for name in claim.needs if name != BENCH]
    open_parts = not judged.findings or any(f.outcome == "undecided" for f in judged.findings)
    hours = paper.hours(trained) if judged.scale not in COUNTED or open_parts else None
    return Entry(judged, sorted(data), sources, _command(trained, paper), hours)


def _command(experiments: Sequence[str], paper: Paper) -> str:
    """Return what makes the paper's results of some experiments; its timings if there are none."""
    asked = f"--config 'targets=[{','.join(experiments)}]'" if experiments else paper.bench
    return f"snakemake --cores all {asked}"
