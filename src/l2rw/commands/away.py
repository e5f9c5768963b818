"""Commands that train on another machine and bring the results back: ``run-for``, ``adopt``."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import (
    Command,
    add_root,
    count,
    file,
    folder_to_write,
    not_negative,
    positive,
    seed_range,
)
from l2rw.store.paths import ALL_RESULTS


def _run_for_options(run_for: ArgumentParser) -> None:
    run_for.add_argument(
        "minutes", type=positive, help="time limit of the whole command, in minutes"
    )
    run_for.add_argument(
        "plans", type=file, nargs="+", help="plan files of the experiments to train (.json)"
    )
    run_for.add_argument(
        "--order",
        choices=["seeds", "cells"],
        default="seeds",
        help="which runs come first: seed by seed, or cell by cell",
    )
    run_for.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="train only cells whose ids contain one of these texts, in this order, and the runs "
        "that they depend on; all cells if not given",
    )
    run_for.add_argument(
        "--seeds", type=seed_range, help="train only these seeds, such as 0-2; all if not given"
    )
    run_for.add_argument(
        "--jobs", type=count, default=1, help="number of jobs that train at the same time"
    )
    add_root(run_for)
    run_for.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        help="device to train on; that of the plan if not given",
    )
    run_for.add_argument(
        "--threads",
        type=count,
        help="number of CPU threads of a job; that of the plan if not given",
    )
    run_for.add_argument(
        "--margin",
        type=not_negative,
        default=20.0,
        help="seconds before the time limit at which jobs are stopped and packing begins",
    )
    run_for.add_argument(
        "--pack",
        type=folder_to_write,
        metavar="FOLDER",
        help="pack the trained runs into this folder; do not pack if not given",
    )
    run_for.add_argument(
        "--part-mib",
        type=positive,
        default=15.0,
        help="largest size of a packed file in MiB; there are at most 8 files",
    )


def _run_for(arguments: Namespace) -> None:
    from l2rw.away.inputs import Inputs
    from l2rw.away.jobs import read_jobs, select
    from l2rw.away.packing import Limits, require_no_parts
    from l2rw.away.run_for import Deadline, RunFor
    from l2rw.training.plan_file import read_plan

    deadline = Deadline.after(arguments.minutes * 60, arguments.margin)
    given = {"device": arguments.device, "threads": arguments.threads}
    changes = {name: value for name, value in given.items() if value is not None}
    jobs = read_jobs([read_plan(path) for path in arguments.plans], changes)
    wanted = select(jobs, only=arguments.only, seeds=arguments.seeds, order=arguments.order)
    if arguments.pack:
        require_no_parts(arguments.pack)
    call = RunFor(wanted, Inputs(arguments.root), deadline, arguments.jobs)
    try:
        call.train()
    finally:
        if arguments.pack:
            call.pack(arguments.pack, Limits(int(arguments.part_mib * 2**20)))
        call.report()
    if call.failures:
        sys.exit(1)


def _adopt_options(adopt: ArgumentParser) -> None:
    adopt.add_argument(
        "files", type=file, nargs="+", help="all files that run-for packed (part-*.tar.gz)"
    )
    add_root(adopt)
    adopt.add_argument(
        "--results",
        type=Path,
        default=ALL_RESULTS,
        help="folder with the results of all configurations",
    )


def _adopt(arguments: Namespace) -> None:
    from l2rw.away.adopt import adopt

    adopt(arguments.files, arguments.results, arguments.root)


COMMANDS = (
    Command(
        "run-for",
        "train the runs of plan files for a limited time, and pack them",
        _run_for,
        _run_for_options,
    ),
    Command("adopt", "add the runs that run-for packed to the results", _adopt, _adopt_options),
)
