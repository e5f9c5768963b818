"""Commands that need a device: ``train``, ``probe`` and ``detect``."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from l2rw.commands.parser import (
    Command,
    add_plan,
    count,
    file,
    file_to_write,
    folder_to_write,
    seed_range,
)
from l2rw.store.errors import UserError

if TYPE_CHECKING:
    from l2rw.training.cell_entry import CellEntry
    from l2rw.training.plan_file import Compute


def _job_options(job: ArgumentParser) -> None:
    add_plan(job, "cell", "cell")
    job.add_argument(
        "--seeds", type=seed_range, required=True, help="seeds of the runs, such as 0 or 0-4"
    )
    job.add_argument("--data", type=file, required=True, help="data set that fetch wrote (.npz)")
    job.add_argument(
        "--splits",
        type=file,
        nargs="+",
        required=True,
        help="splits that corrupt wrote, one for each seed, in order (.npz)",
    )
    job.add_argument("--threads", type=count, default=1, help="number of CPU threads")


def splits_of(arguments: Namespace) -> list[Path]:
    """Return the split files of a job.

    Raises:
        UserError: There are more or fewer than seeds.
    """
    given, seeds = len(arguments.splits), len(arguments.seeds)
    if given != seeds:
        raise UserError(
            f"--splits names {given} files for {seeds} seeds.", "name one for each seed, in order."
        )
    splits: list[Path] = arguments.splits
    return splits


def cell_to_run(arguments: Namespace) -> "tuple[CellEntry, Compute]":
    """Return the cell of a job, and how to compute."""
    from l2rw.training.plan_file import read_plan

    plan = read_plan(arguments.plan)
    return plan.cell(arguments.cell), replace(plan.compute, threads=arguments.threads)


def device_of(compute: "Compute") -> AbstractContextManager[str | None]:
    """Return a context in which a job has its device to itself.

    CUDA must not be initialised yet, because the context chooses the GPU.
    """
    from l2rw.training.gpus import gpu_slot

    return nullcontext() if compute.device == "cpu" else gpu_slot(compute.jobs_per_gpu)


def _train_options(train: ArgumentParser) -> None:
    _job_options(train)
    train.add_argument(
        "--parents",
        type=file,
        nargs="*",
        default=[],
        help="trained networks that the cell starts from or learns from (.safetensors)",
    )
    train.add_argument(
        "--checkpoints",
        type=folder_to_write,
        required=True,
        help="folder for checkpoints, from which an interrupted job continues",
    )
    train.add_argument(
        "--status",
        type=file_to_write,
        help="file that shows the progress during training (.json); none if not given",
    )
    train.add_argument(
        "--out", type=folder_to_write, required=True, help="folder to write the results to"
    )


def _train(arguments: Namespace) -> None:
    from l2rw.training import workers
    from l2rw.training.job import Job

    cell, compute = cell_to_run(arguments)
    job = Job(
        cell=cell,
        compute=compute,
        seeds=arguments.seeds,
        data=arguments.data,
        splits=splits_of(arguments),
        parents=arguments.parents,
        out=arguments.out,
        checkpoints=arguments.checkpoints,
        status=arguments.status,
    )
    with device_of(compute) as gpu:
        outcome = workers.train_by_worker(job, gpu) if workers.are_shared() else None
        if outcome is None:
            from l2rw.training.train import run_job

            run_job(job)
        elif outcome.kind != "done":
            sys.exit(1 if outcome.breaks_process else 2)


def _look_options(look: ArgumentParser) -> None:
    _job_options(look)
    look.add_argument(
        "--network", type=file, required=True, help="trained networks of the cell (.safetensors)"
    )
    look.add_argument(
        "--out", type=file_to_write, required=True, help="file to write the values to (.csv)"
    )


def _look(implementation: str) -> Callable[[Namespace], None]:
    """Return a command that evaluates trained networks by a function named ``module:name``."""

    def run(arguments: Namespace) -> None:
        cell, compute = cell_to_run(arguments)
        with device_of(compute):
            from l2rw.store.records import load
            from l2rw.training.looks import LookJob

            load(implementation)(
                LookJob(
                    cell=cell,
                    compute=compute,
                    seeds=arguments.seeds,
                    data=arguments.data,
                    splits=splits_of(arguments),
                    network=arguments.network,
                    out=arguments.out,
                )
            )

    return run


COMMANDS = (
    Command(
        "train", "train the runs of one job: a cell with one or more seeds", _train, _train_options
    ),
    Command(
        "probe",
        "compute the weights of hyper-validation images with a trained network",
        _look("l2rw.training.probe:run_probe"),
        _look_options,
    ),
    Command(
        "detect",
        "score examples with detectors of wrong labels",
        _look("l2rw.training.detect:run_detectors"),
        _look_options,
    ),
)
