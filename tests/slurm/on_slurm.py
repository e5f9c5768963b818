"""The workflow on Slurm: how it is started, what it tells, what it leaves."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.workflow.conftest import REPOSITORY, Workspace


class SlurmWorkspace(Workspace):
    """A directory in which the workflow runs by the profile that people use."""

    where = (
        *("--profile", str(REPOSITORY / "profiles" / "slurm")),
        # More impatient than one may be with a cluster that others use, too.
        *("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10"),
    )


@dataclass(frozen=True)
class Submission:
    """A job that Snakemake says it has submitted."""

    rule: str
    wildcards: str
    """Joined by underscores."""
    resources: dict[str, str]
    threads: int
    id: str
    """What Slurm calls it."""
    log: Path
    """Where Slurm writes what it prints."""


def submissions(told: str) -> list[Submission]:
    """Return the submitted jobs in order, from what Snakemake told."""
    bodies: dict[str, tuple[str, str]] = {}
    found = []
    for match in re.finditer(
        r"^rule (\w+):\n((?:    .*\n)+)"
        r"|^Job (\d+) has been submitted with SLURM jobid (\d+) \(log: (.*)\)",
        told,
        re.MULTILINE,
    ):
        rule, body, number, job, log = match.groups()
        if rule:
            bodies[_entry("jobid", body)] = rule, body
        else:
            rule, body = bodies[number]
            found.append(
                Submission(
                    rule,
                    "_".join(_pairs("wildcards", body).values()).replace("/", "_"),
                    _pairs("resources", body),
                    int(_entry("threads", body) or 1),
                    job,
                    Path(log),
                )
            )
    return found


def _entry(name: str, body: str) -> str:
    match = re.search(rf"^    {name}: (.*)$", body, re.MULTILINE)
    return match[1] if match else ""


def _pairs(name: str, body: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in _entry(name, body).split(", "))


def results(workspace: Workspace) -> dict[str, Any]:
    """Return all that two runs agree on: every file of every run, but for what made it."""
    runs = workspace.results / "runs"
    return {str(p.relative_to(runs)): _content(p) for p in runs.rglob("*") if p.is_file()}


def _content(path: Path) -> Any:
    if path.suffix != ".json":
        return path.read_bytes()
    content = json.loads(path.read_text())
    # The checksum is of the whole.
    return {key: value for key, value in content.items() if key not in ("made", "sha256")}
