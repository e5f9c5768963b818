"""Checks of the targets on Snakemake's command line."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePosixPath

from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError, closest
from l2rw.store.paths import ALL_RESULTS, seeds_of

KINDS = {"tables": "experiment", "figures": "experiment", "runs": "cell", "splits": "split"}
"""What a plan must contain to make the files in a folder of results."""


def check_targets(plan: Plan, words: Iterable[str]) -> None:
    """Check the results among the targets; Snakemake itself checks the others.

    Args:
        plan: Of the configuration.
        words: Of the command line: targets are not known yet while a Snakefile is read.

    Raises:
        UserError: One belongs to another configuration, or to nothing that this one plans.
    """
    for target in words:
        parts = PurePosixPath(target).parts
        if len(parts) > 3 and parts[0] == ALL_RESULTS.name and parts[2] in KINDS:
            _check_one(plan, target, parts[1], parts[2:])


def is_dry_run(words: Iterable[str]) -> bool:
    """Whether Snakemake is only asked what it would do, by ``-n`` or ``--dry-run``."""
    return any(re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run", word) for word in words)


def _check_one(plan: Plan, target: str, configuration: str, parts: tuple[str, ...]) -> None:
    if configuration != plan.config.name:
        raise UserError(
            f"{target} is not a result of the configuration {plan.config.name}.",
            f"name the configuration of {configuration} with --configfile.",
        )
    kind = KINDS[parts[0]]
    known: Iterable[str]
    if kind == "experiment":
        name, known = parts[-1].partition(".")[0], plan.experiments
    elif kind == "cell":
        name, known = "/".join(parts[1:3]), plan.cells
    else:
        name, known = parts[1], plan.splits
    if name not in known:
        raise UserError(
            f"{target}: {plan.config.name} plans no {kind} {name!r}.", closest(name, known)
        )
    if kind != "experiment":
        seeds = next((part for part in parts if part.startswith("seed-")), "").partition(".")[0]
        with suppress(ValueError):
            seeds_of(seeds)
            return
        raise UserError(f"{target}: {seeds!r} names no seeds.", "write seed-3, or seed-0-4.")
