"""Events of a workflow, read from the output of Snakemake."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """A job has begun."""

    rule: str
    name: str
    """Rule and wildcards, for people."""


@dataclass(frozen=True)
class Finished:
    """A job has ended well."""

    name: str


@dataclass(frozen=True)
class Failed:
    """A job has failed."""

    name: str
    log: Path | None


@dataclass(frozen=True)
class Counted:
    """So many jobs are done, of so many."""

    done: int
    of: int


@dataclass(frozen=True)
class Said:
    """Any other line: of interest if Snakemake itself fails."""

    line: str


Event = Started | Finished | Failed | Counted | Said

JOB = re.compile(r"(?:local)?(?:rule|checkpoint) (\w+):")
ERROR = re.compile(r"Error in rule (\w+):|Error in rule (\w+),")
KEY = re.compile(r"    (\w+): ?(.*)")
FINISHED = re.compile(r"Finished jobid: (\d+)")
COUNTED = re.compile(r"(\d+) of (\d+) steps")
NOISE = re.compile(r"\[\w{3} \w{3} +\d+ [\d:]+ \d{4}\]")
"""The time above every block."""


@dataclass
class _Block:
    rule: str
    failed: bool
    keys: dict[str, str] = field(default_factory=dict)


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """Yield what happens, line by line as Snakemake prints it."""
    names: dict[str, str] = {}
    block: _Block | None = None
    for raw in lines:
        line = raw.rstrip()
        if block is not None:
            if key := KEY.match(line):
                block.keys[key[1]] = key[2]
                continue
            if (line.startswith("     ") or not line.strip()) and line.strip():
                continue  # continues a key's value, such as a long command
            yield _told(block, names)
            block = None
        if job := JOB.fullmatch(line):
            block = _Block(job[1], failed=False)
        elif error := ERROR.match(line):
            block = _Block(error[1] or error[2], failed=True)
        elif finished := FINISHED.match(line):
            yield Finished(names.get(finished[1], ""))
        elif counted := COUNTED.match(line):
            yield Counted(int(counted[1]), int(counted[2]))
        elif line.strip() and not NOISE.fullmatch(line):
            yield Said(line)
    if block is not None:
        yield _told(block, names)


def _told(block: _Block, names: dict[str, str]) -> Event:
    number = block.keys.get("jobid", "")
    if not block.failed:
        wildcards = re.findall(r"\w+=([^,]+)", block.keys.get("wildcards", ""))
        name = names[number] = " ".join([block.rule, *wildcards])
        return Started(block.rule, name)
    log = block.keys.get("log", "").partition(" (check log")[0].strip()
    return Failed(names.get(number, block.rule), Path(log) if log else None)
