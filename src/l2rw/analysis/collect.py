"""Results of an experiment as one tidy table."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from l2rw.store.checksums import again, read_run, reading, verified, verified_of_run
from l2rw.store.errors import UserError, why
from l2rw.store.files import write_text
from l2rw.store.paths import RESULT, run_folder
from l2rw.store.seeds import format_seeds
from l2rw.training.plan_file import PlanFile

MADE = ("commit", "source", "device", "precision")
"""What tables say of how a run was made; see :mod:`l2rw.training.results`."""
NAMES = dict.fromkeys(("dataset", "row", "cell", *MADE), str)
"""Columns that are text, whatever it looks like: a source may be 7980766e9619, a data set null."""


class Job(NamedTuple):
    """What a training job left of the seeds that a plan asks for."""

    folder: Path
    runs: list[dict[str, Any]]
    """As in ``result.json``, one for each seed."""
    setting: Mapping[str, Any]
    """Where its cell stands in the experiment, by column."""
    made: dict[str, Any]
    """What made it: ``cell`` and :data:`MADE`."""


def jobs(plan: PlanFile, runs: Path) -> Iterator[Job]:
    """Read the results of every planned job.

    Args:
        plan: An experiment's plan file.
        runs: Folder of the training jobs' results.

    Raises:
        UserError: A result is missing or is not what the plan asked for.
    """
    for cell in plan.cells:
        wanted = set(plan.seeds)
        for job in cell.jobs:
            path = run_folder(runs, cell.id, format_seeds(job)) / RESULT
            result = read_run(path, cell.id)
            with reading(path, "the result of a run"):
                made = {k: result["made"][k] for k in MADE}
                mine = [run for run in result["runs"] if run["seed"] in wanted]
            yield Job(path.parent, mine, cell.setting, {"cell": cell.id, **made})
            wanted -= {run["seed"] for run in mine}
        if wanted:
            raise UserError(
                f"{cell.id} has no result for seed {min(wanted)}.",
                f"delete {runs / cell.id} and run again.",
            )


def collect(plan: PlanFile, runs: Path) -> pd.DataFrame:
    """Read the final figures of every planned run; arguments and errors as for :func:`jobs`.

    Returns:
        A line for each run: the columns of its setting, ``seed``, ``test_error`` in [0, 1],
        ``test_loss``, ``validation_error`` in [0, 1] against the given labels (NaN without
        hyper-validation part), ``weight_auc`` (NaN unless labels are noisy), and what made it.
    """
    lines = [
        {**job.setting, **_figures(run), **job.made} for job in jobs(plan, runs) for run in job.runs
    ]
    return pd.DataFrame(lines).astype({"validation_error": float, "weight_auc": float})


def collect_csv(plan: PlanFile, runs: Path, name: str, columns: Mapping[str, type]) -> pd.DataFrame:
    """Read a tidy file that every planned job leaves beside its result.

    Args:
        plan: An experiment's plan file.
        runs: Folder of the training jobs' results.
        name: Of the file.
        columns: What to read of it and as which type; ``seed`` is read, too.

    Returns:
        The files' lines between the columns of their job's setting and what made them.

    Raises:
        UserError: As :func:`jobs`, or a file is missing or not what it should be.
    """
    parts = []
    for job in jobs(plan, runs):
        path = verified_of_run(job.folder / name, job.made["cell"])
        lines = _read_csv(path, {"seed": int, **columns})
        wanted = {run["seed"] for run in job.runs}
        if missing := wanted - set(lines["seed"]):
            raise UserError(
                f"{job.folder / name} has no line for seed {min(missing)}.",
                f"delete {job.folder} and run again.",
            )
        mine = lines[lines["seed"].isin(wanted)]
        parts.append(pd.DataFrame(dict(job.setting) | dict(mine.items()) | job.made))
    return pd.concat(parts, ignore_index=True)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of runs, as ``tabulate`` wrote it.

    Raises:
        UserError: It or the record beside it is missing, damaged or was changed.
    """
    return pd.read_csv(verified(path), dtype=NAMES, keep_default_na=False, na_values=[""])


def _read_csv(path: Path, columns: dict[str, type]) -> pd.DataFrame:
    try:
        lines = pd.read_csv(path, usecols=list(columns), dtype=columns)
    except (OSError, ValueError) as error:
        raise unreadable(path, "a table", error) from None
    return lines[list(columns)]


def unreadable(path: Path, what: str, error: Exception) -> UserError:
    """Return the error that says that a file of results is not what it should be."""
    return UserError(f"{path} cannot be read as {what} ({why(error)}).", again(path))


def _figures(run: dict[str, Any]) -> dict[str, Any]:
    always = {name: run[name] for name in ("seed", "test_error", "test_loss")}
    return always | {name: run.get(name) for name in ("validation_error", "weight_auc")}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table with full precision and the same bytes on every platform."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))
