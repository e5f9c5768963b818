"""What simulations of the theory leave, as tidy tables."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from l2rw.analysis.collect import MADE, unreadable
from l2rw.analysis.statistics import NOTHING
from l2rw.store.checksums import read_run
from l2rw.store.errors import UserError
from l2rw.store.identity import plain
from l2rw.store.paths import CHECKS, run_folder
from l2rw.store.seeds import format_seeds
from l2rw.training.plan_file import PlanFile

CONTROLS = {
    "ascent": "Control: weights of the wrong sign",
    "unguided": "Control: equal weights",
    "beyond": "Control: twice the limit, Huber loss",
}
WHAT = "checks of a simulation"
WHO = ["cell", "seed", *MADE]
"""Columns that say which run a line is of, and what made it."""
ON = {"device": "cpu", "precision": "float64"}
"""Where and how all simulations run."""


class Simulation(NamedTuple):
    """What a simulation left."""

    folder: Path
    setting: Mapping[str, Any]
    """Where its cell stands in the experiment, by column."""
    checks: dict[str, Any]
    """As in ``checks.json``."""
    made: dict[str, Any]
    """What made it: :data:`WHO`."""

    def check(self, *keys: str) -> Any:
        """Return what stands under nested keys; raise :class:`UserError` if nothing does."""
        found: Any = self.checks
        try:
            for key in keys:
                found = found[key]
        except (KeyError, TypeError) as error:
            raise unreadable(self.folder / CHECKS, WHAT, error) from None
        return found


def simulations(plan: PlanFile, runs: Path) -> Iterator[Simulation]:
    """Read the checks of all planned simulations.

    Args:
        plan: An experiment's plan file.
        runs: Folder of the results.

    Raises:
        UserError: A file is missing or is not what the plan asked for.
    """
    for cell in plan.cells:
        for job in cell.jobs:
            folder = run_folder(runs, cell.id, format_seeds(job))
            path = folder / CHECKS
            checks = read_run(path, cell.id)
            try:
                made = {k: checks["made"][k] for k in ("commit", "source")}
                same = (checks["spec"], checks["seed"]) == (plain(cell.spec), job.start)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise unreadable(path, WHAT, error) from None
            if not same:
                raise UserError(
                    f"{path} has other settings than {cell.id}.",
                    f"delete {folder} and run again.",
                )
            made |= {"cell": cell.id, "seed": job.start, **ON}
            yield Simulation(folder, cell.setting, checks, made)


def name_of_simulation(setting: Any) -> str:
    """Name a simulation for people; ``setting`` has its columns as attributes."""
    if setting.model == "huber":
        return CONTROLS["beyond"]
    if setting.weighting in CONTROLS:
        return CONTROLS[setting.weighting]
    copies = ", copies of one example" if setting.batches == "copies" else ""
    at = "at" if setting.limit_fraction == 1 else f"at {setting.limit_fraction:g} of"
    return f"L2RW {at} the limit{copies}"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for people: a dash where there is none."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.{digits}g}"


def thousands(value: float | None) -> str:
    """Write a count for people: a dash where there is none."""
    return NOTHING if value is None or math.isnan(value) else f"{value:,.0f}"
