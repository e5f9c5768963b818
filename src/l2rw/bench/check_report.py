"""What `l2rw gpu-check` found, as Markdown that can go into docs/benchmarks.md as it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from l2rw.store.provenance import git_commit, source_hash

TITLES = {
    "machine": "Machine",
    "parity": "Parity: float32 here against float64 on the CPU",
    "resume": "Repeated and resumed runs",
    "bench": "Time of a step",
    "throughput": "Steps of the training loop, captured and in company",
    "compiled": "Compiled against eager",
}


class Outcome(NamedTuple):
    """How a stage ended."""

    stage: str
    ended: str
    """``ok`` if it ran to its end and all was well."""
    seconds: float
    rows: list[tuple[dict[str, str], bool]]
    """Cells by column, and whether the case went well."""

    @property
    def kind(self) -> str:
        """What was checked."""
        return self.stage.partition("-")[0]


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for every stage that did not end well, and for every case that did not."""
    lines = []
    for outcome in outcomes:
        bad = [", ".join(cells.values()) for cells, ok in outcome.rows if not ok]
        lines += [f"{outcome.stage}: {case}" for case in bad]
        if outcome.ended != "ok" and not (bad and outcome.ended.startswith("failed")):
            lines.append(f"{outcome.stage}: {outcome.ended}")
    return lines


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return all tables under a heading that names device, date and commit; failures last."""
    rows: dict[str, list[dict[str, str]]] = {}
    for outcome in outcomes:
        rows.setdefault(outcome.kind, []).extend(cells for cells, _ in outcome.rows)
    machine = {cells["fact"]: cells["value"] for cells in rows.get("machine", [])}
    commit = git_commit()
    where = f"commit {commit}" if commit else f"source {source_hash()}"
    blocks = [
        f"## {machine.get('device', 'unknown device')}, {datetime.now(UTC):%Y-%m-%d}, {where}"
    ]
    for kind, title in TITLES.items():
        if rows.get(kind):
            blocks += [f"### {title}", table(rows[kind])]
    ends = [{"stage": o.stage, "ended": o.ended, "seconds": f"{o.seconds:.1f}"} for o in outcomes]
    failed = [f"- {line}" for line in failures(outcomes)]
    blocks += ["### Stages", table(ends), "### Failures", "\n".join(failed) or "None."]
    return "\n\n".join(blocks) + "\n"


def table(rows: Sequence[dict[str, str]]) -> str:
    """Return a Markdown table with all columns that any row has; what a row lacks is empty."""
    columns = list(dict.fromkeys(column for cells in rows for column in cells))
    # The verdict closes a line, also where an earlier case had fewer columns.
    columns.sort(key=lambda column: column == "verdict")
    lines = [columns, ["---"] * len(columns), *([c.get(k, "") for k in columns] for c in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
