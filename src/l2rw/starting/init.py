"""``l2rw init``: from a folder or a table to a configuration."""

import os
import re
import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from l2rw.config.load import Config, parse_config
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.kinds.base import DatasetKind
from l2rw.data.kinds.survey import SURVEYS
from l2rw.planning.plan import Plan
from l2rw.planning.table import Work, work_left
from l2rw.starting.choice import LEAST_STEPS, PER_CLASS, Choice, Machine, choose, side_for
from l2rw.starting.document import Names, document
from l2rw.starting.look import Look, look, write_left_out
from l2rw.starting.sources import find_source
from l2rw.store.errors import UserError
from l2rw.store.files import write_text
from l2rw.store.paths import TIMINGS
from l2rw.store.records import LONGEST_NAME
from l2rw.store.text import align
from l2rw.training.gpus import count_slots

CONFIGURATIONS = Path("config")
MOST_LISTED = 30
"""Classes that are listed one by one."""


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    path: Path
    out: Path | None
    label: str | None
    leave_out: tuple[Path, ...]


def init(request: Request, machine: Machine | None = None) -> Path:
    """Look at a folder or a table, write a configuration, say what was seen and what comes next.

    Returns:
        The configuration's file.

    Raises:
        UserError: The data cannot be learned from as they are, or something is in the way.
    """
    machine = machine or Machine(len(os.sched_getaffinity(0)), count_slots(1))
    # Links stay as they are.
    path = Path(os.path.abspath(request.path.expanduser()))  # noqa: PTH100
    names = _names(request, path)
    source = find_source(path, request.label)
    options: dict[str, Any] = {
        key: _shown(Path(value)) for key, value in source.options.items() if isinstance(value, Path)
    }
    if request.leave_out:
        options["leave_out"] = [str(one) for one in request.leave_out]
    found = look(names.data_set, source, options, lambda pictures: side_for(pictures, machine))
    if found.facts.truth_is_known:
        names = names._replace(clean=None)
    kind = _with_lists(found, names)
    wanted = choose(found, machine)
    choice, text, work = _fitted(wanted, found, kind, names, machine)
    if found.left_out:
        write_left_out(names.left_out, found.left_out)
    write_text(names.out, text)
    _report(found, choice, wanted, names, work, machine)
    return names.out


def _names(request: Request, path: Path) -> Names:
    """Return what everything is called; raise :class:`UserError` if something is in the way."""
    stem = path.stem if path.is_file() else path.name
    data_set = _slug(stem)
    folder = CONFIGURATIONS if CONFIGURATIONS.is_dir() else Path()
    out = request.out or folder / f"{data_set}.yaml"
    names = Names(
        configuration=(
            re.sub(r"[^A-Za-z0-9_-]+", "_", out.stem).strip("_-")[:LONGEST_NAME] or data_set
        ),
        data_set=data_set,
        out=out,
        clean=out.with_name(f"{out.stem}_clean.csv"),
        left_out=out.with_name(f"{out.stem}_leave_out.csv"),
    )
    for file in (out, names.left_out):
        if file.exists():
            raise UserError(
                f"{file} exists already and is never overwritten.", "name another file with --out."
            )
    if path.is_dir():
        for place, what in ((Path(), "This folder"), (SURVEYS, str(SURVEYS)), (out, str(out))):
            if place.resolve().is_relative_to(path.resolve()):
                raise UserError(
                    f"{what} is inside {path}, but nothing is ever written there.",
                    "run outside your data, such as in a clone of the repository, or use --out.",
                )
    return names


def _slug(text: str) -> str:
    """Return a name for a data set: small letters, digits and underscores, a letter first."""
    # `casefold` turns "ß" into "ss", which ASCII would drop.
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: LONGEST_NAME - len("data__curves")]
    if not slug or not slug[0].isalpha():
        slug = f"data_{slug}".strip("_")
    taken = {*CATALOG, *Config().experiments}
    return f"my_{slug}" if slug in taken or f"{slug}_curves" in taken else slug


def _shown(path: Path) -> str:
    """Return how the configuration writes a path: relative if it lies below this folder."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def _with_lists(found: Look, names: Names) -> DatasetKind:
    if not found.left_out:
        return found.kind
    lists = (*found.kind.leave_out, names.left_out.as_posix())
    return replace(found.kind, leave_out=lists)


def _fitted(
    choice: Choice, found: Look, kind: DatasetKind, names: Names, machine: Machine
) -> tuple[Choice, str, Work]:
    """Write the text, and lower the steps until the runs take no longer than they may."""
    heading = f"{_what(found)} of {kind.path}"
    images = found.pictures is not None
    while True:
        text = document(names, kind, choice, images=images, heading=heading)
        work = _work(text, found, names, machine)
        if work.hours <= machine.hours or choice.steps <= LEAST_STEPS:
            return choice, text, work
        # Evaluations and starts take their time, too: a step of this loop may not suffice.
        choice = choice.with_steps(
            min(choice.steps - 100, choice.steps * machine.hours / work.hours)
        )


def _work(text: str, found: Look, names: Names, machine: Machine) -> Work:
    """Return what the configuration takes: as if the clean list were there."""
    facts = found.facts
    if names.clean is not None:
        each = [max(1, min(PER_CLASS, size // 2)) for size in facts.train_class_sizes]
        facts = replace(facts, clean_class_sizes=tuple(each))
    as_written = text.encode()  # refuses names that are no UTF-8
    config = parse_config(yaml.safe_load(as_written)).with_facts(facts)
    return work_left(Plan(config), TIMINGS, gpu=bool(machine.gpus), cores=machine.cores)


def _what(found: Look) -> str:
    facts = found.facts
    count = found.train_size + sum(found.test_class_sizes)
    if found.pictures is None:
        return f"{count:,} rows with {facts.image_shape[0]} features in {facts.classes} classes"
    colour = "grey" if found.pictures.grey else "colour"
    return f"{count:,} {colour} images in {facts.classes} classes"


def _report(
    found: Look, choice: Choice, wanted: Choice, names: Names, work: Work, machine: Machine
) -> None:
    """Print what was seen, what was written, and what to do next."""
    pictures = found.pictures
    size = f", {pictures.side} pixels wide or high at the median" if pictures else ""
    print(f"{_what(found)}{size}:\n")
    print(_classes(found), end="\n\n")
    notes = list(found.notes)
    if found.left_out:
        notes.append(
            f"{names.left_out} lists these {len(found.left_out):,} with reasons, and the "
            "configuration leaves them out. Remove those that you correct from the list."
        )
    for note in notes:
        print(f"- {note}")
    shape = "×".join(map(str, found.facts.image_shape[1:]))
    seen = f" on {shape} pixels" if pictures else ""
    print(
        f"\nWrote {names.out}: {choice.model}{seen}, {choice.steps:,} steps of "
        f"{choice.batch_size}, {len(choice.rows)} methods, {choice.seeds} seeds; {work.told}, "
        f"by {work.source}."
    )
    if lowered := _lowered(found, choice, wanted, machine):
        print(lowered)
    print("\nNext:")
    for line in align(_next(names, found), left=2).splitlines():
        print(line.rstrip())
    if not found.facts.test_is_trusted:
        print(
            "\nAccuracy will be measured against the test labels as given. If you have checked "
            "them, set test_is_trusted: true."
        )


def _lowered(found: Look, choice: Choice, wanted: Choice, machine: Machine) -> str:
    """Say if time allows fewer steps than the data ask for; "" if it does not matter."""
    seen, enough = (one.steps * one.batch_size / found.train_size for one in (choice, wanted))
    if seen > enough / 2:
        return ""
    return (
        f"Steps are reduced to finish within {machine.hours:g} hours: networks see each example "
        f"{seen:.1f} times instead of {enough:.0f}, and learn less. Set more steps, a smaller size "
        "or fewer rows, or use a GPU."
    )


def _classes(found: Look) -> str:
    facts = found.facts
    lines = list(
        zip(facts.class_names, facts.train_class_sizes, found.test_class_sizes, strict=True)
    )
    rest: Sequence[tuple[str, int, int]] = ()
    if len(lines) > MOST_LISTED:
        lines.sort(key=lambda line: -line[1])
        lines, rest = lines[:MOST_LISTED], lines[MOST_LISTED:]
    cells = [["class", "training", "test"]]
    cells += [[name, f"{train:,}", f"{test:,}"] for name, train, test in lines]
    if rest:
        train, test = (sum(sizes) for sizes in list(zip(*rest, strict=True))[1:])
        cells.append([f"{len(rest):,} smaller ones", f"{train:,}", f"{test:,}"])
    cells.append(["all", f"{found.train_size:,}", f"{sum(found.test_class_sizes):,}"])
    return align(cells, left=1)


def _next(names: Names, found: Look) -> Sequence[tuple[str, str]]:
    quoted = shlex.quote(str(names.out))
    run = (
        f"  l2rw run {quoted}",
        f"trains, compares, and writes results/{names.configuration}/index.html",
    )
    if names.clean is None:
        return [run]
    small = min(found.facts.train_class_sizes) < 2 * PER_CLASS
    told = (
        f"choose {PER_CLASS} examples of each class{' (half of a small one)' * small} with right "
        f"labels; save them as {names.clean}"
    )
    return [(f"  l2rw pick {quoted}", told), run]
