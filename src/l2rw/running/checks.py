"""Checks before anything runs: data, device, disk, locks."""

import os
import shutil
from pathlib import Path

from l2rw.config.load import Config
from l2rw.data.datasets.sources import require
from l2rw.planning.bounds import check_bounds, memory_of_this_machine
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError
from l2rw.store.files import is_writable, nearest
from l2rw.store.paths import DOWNLOADS, Results
from l2rw.training.gpus import count_slots
from l2rw.training.spec import RunSpec

LOCKS = Path(".snakemake/locks")
LEAST_FREE = 500e6
"""Bytes that must be free before a run starts."""
FULL = 10e6
"""Bytes: with less, a job that failed without a word may well have found no space for it."""


def check_plan(plan: Plan, *, here: bool, runs: bool = True) -> None:
    """Check everything that can be checked before anything runs.

    Args:
        plan: What is to be run.
        here: Whether jobs run on this machine, not where a scheduler sends them.
        runs: Whether they run at all; a dry run only shows what would run.

    Raises:
        UserError: Something cannot be run.
    """
    on_cpu = here and not (plan.config.compute.device != "cpu" and count_slots(1))
    check_bounds(plan, **({"memory_mb": memory_of_this_machine()} if on_cpu else {}))
    check_data(plan)
    if here and runs:
        check_device(plan)
    if runs:
        check_places(plan)


def check_places(plan: Plan) -> None:
    """Raise :class:`UserError` unless files can be written wherever the workflow writes some."""
    results = Results(plan.config.results)
    if "DVC_STAGE" in os.environ and any(
        one.is_symlink() for one in (results.folder, *results.folder.parents[:-1])
    ):
        raise UserError(
            f"{results.folder} is behind a symbolic link, where DVC cannot record results.",
            "make it a folder (`dvc config cache.dir` may be on another disk), or run Snakemake "
            "without DVC.",
        )
    for place in (*results.places, results.logs, Path(".snakemake")):
        _require_writable(nearest(place))


def check_data(plan: Plan) -> None:
    """Raise :class:`UserError` if a data set is missing and may not be downloaded."""
    settings = plan.config.data
    # Planning has inspected the configuration's own data sets already.
    for dataset in plan.datasets.keys() - plan.config.data_sets.keys():
        if not Results(plan.config.results).data(plan.data_file(dataset)).exists():
            root = settings.root and Path(settings.root)
            require(dataset, root or None, download=settings.download, cache=DOWNLOADS)


def check_device(plan: Plan) -> None:
    """Raise :class:`UserError` if the configuration asks for a GPU that this machine lacks."""
    if count_slots(1):
        return
    if plan.config.compute.device == "cuda":
        raise UserError(
            "compute.device is cuda, but there is no NVIDIA GPU here.",
            "set it to auto or cpu, or run on a cluster with --profile profiles/slurm.",
        )
    specs = (cell.spec for cell in plan.cells.values() if isinstance(cell.spec, RunSpec))
    if any(spec.precision == "tf32" for spec in specs):
        raise UserError("Only CUDA devices compute in tf32.", "set training.precision to float32.")


def check_disk(place: Path, least: float) -> None:
    """Raise :class:`UserError` unless a place can be written to and has ``least`` bytes free."""
    folder = nearest(place)
    _require_writable(folder)
    free = shutil.disk_usage(folder).free
    if free < least:
        raise UserError(
            f"Only {free / 1e6:.0f} MB are free on the disk of {folder.resolve()}.",
            "free some space; `l2rw prune` lists results that are no longer used.",
        )


def check_locks(config: Config, command: str) -> None:
    """Raise :class:`UserError` if another run holds the results, or was killed while it did.

    Args:
        config: Whose results.
        command: What removes the lock.
    """
    mine = f"{config.results.as_posix()}/"
    for path in LOCKS.glob("*.output.lock"):
        try:
            held = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue  # just released
        if any(file.startswith(mine) for file in held):
            raise UserError(
                f"Another run has locked {config.results}, or was killed before it could unlock "
                "it.",
                f"wait for it; if none runs, `{command}` removes the lock.",
            )


def _require_writable(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder, but results belong there.", "move it away.")
    if not is_writable(folder):
        raise UserError(
            f"Nothing can be written to {folder.resolve()}.", "run in a folder where you may write."
        )
