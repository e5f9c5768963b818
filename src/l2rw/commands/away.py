"""Commands that bring training to another machine and its results back: ``run-for``, ``adopt``."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from l2rw.commands.parser import Command, count, file, folder, not_negative, positive, seed_range
from l2rw.store.paths import ALL_RESULTS


def _run_for_options(run_for: ArgumentParser) -> None:
    run_for.add_argument("minutes", type=positive, help="after which the command has ended")
    run_for.add_argument("plans", type=file, nargs="+", help="plan files of experiments")
    run_for.add_argument(
        "--order", choices=["seeds", "cells"], default="seeds", help="seed by seed, or cell by cell"
    )
    run_for.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="only cells with one of these in their ids, in this order, and what they wait for",
    )
    run_for.add_argument("--seeds", type=seed_range, help="only jobs of these, such as 0-2")
    run_for.add_argument("--jobs", type=count, default=1, help="how many train at the same time")
    run_for.add_argument("--root", type=folder, help="folder with the source files of data sets")
    run_for.add_argument("--device", choices=["auto", "cpu", "cuda"], help="if not the plan's")
    run_for.add_argument("--threads", type=count, help="CPU threads of a job, if not the plan's")
    run_for.add_argument(
        "--margin",
        type=not_negative,
        default=20.0,
        help="seconds at the end to stop jobs and to pack",
    )
    run_for.add_argument("--pack", type=Path, metavar="FOLDER", help="pack what was trained here")
    run_for.add_argument(
        "--part-mib", type=positive, default=15.0, help="size of a packed file, at most (of 8)"
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
    adopt.add_argument("files", type=file, nargs="+", help="all parts of a pack")
    adopt.add_argument("--root", type=folder, help="folder with the source files of data sets")
    adopt.add_argument("--results", type=Path, default=ALL_RESULTS, help="folder of results")


def _adopt(arguments: Namespace) -> None:
    from l2rw.away.adopt import adopt

    adopt(arguments.files, arguments.results, arguments.root)


COMMANDS = (
    Command(
        "run-for",
        "train what plans ask for, for limited time, and pack it",
        _run_for,
        _run_for_options,
    ),
    Command("adopt", "take in what run-for has packed", _adopt, _adopt_options),
)
