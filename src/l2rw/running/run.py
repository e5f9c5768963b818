"""A run from its configuration to its results page."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from l2rw.config.load import Config
from l2rw.planning.plan import Plan
from l2rw.planning.table import Work, read_config, work_left
from l2rw.running.checks import FULL, LEAST_FREE, check_disk, check_locks, check_plan
from l2rw.running.display import Display, refused, user_can_correct
from l2rw.running.events import read_events
from l2rw.running.snakemake import running, snakemake_command
from l2rw.store.console import Console
from l2rw.store.ending import MISTAKE
from l2rw.store.errors import UserError
from l2rw.store.paths import TIMINGS, Results
from l2rw.training.gpus import count_slots

UNRECORDED = Path(".snakemake/incomplete")
"""Where Snakemake marks outputs as long as their jobs run."""
MOST_HOURS = 72
"""Longest estimated time that needs no ``--yes``."""


@dataclass(frozen=True)
class Request:
    """What is to be run, and how."""

    config: Path
    cores: str
    """A number, or ``all``."""
    profile: Path | None
    dry_run: bool
    unlock: bool
    yes: bool = False
    """Whether it is started even if the estimated time is long."""

    @property
    def command(self) -> list[str]:
        """The call of Snakemake."""
        options = ["--configfile", str(self.config)]
        if self.profile is None:
            options += ["--cores", self.cores]
        else:
            options += ["--profile", str(self.profile)]
        return snakemake_command(options)


def run(request: Request) -> int:
    """Check, say what will be done, do it, and name the page; return Snakemake's exit code.

    Raises:
        UserError: A check before the run failed.
        Ended: It received SIGINT, SIGTERM or SIGHUP.
    """
    if request.cores != "all" and not (request.cores.isdecimal() and int(request.cores)):
        raise UserError(
            f"--cores {request.cores} is not a number of cores.",
            "write a number such as 2, or all.",
        )
    if request.profile is not None and not any(request.profile.glob("*.yaml")):
        raise UserError(
            f"There is no profile {request.profile}, which would be a folder with a config.yaml.",
            "name one such as profiles/slurm.",
        )
    config = read_config([request.config])
    if request.unlock:
        return _say([*request.command, "--unlock", "--quiet"])
    plan = Plan(config, config.results)
    _check_disks(config, LEAST_FREE)
    check_locks(config, f"l2rw run {request.config} --unlock")
    check_plan(plan, here=request.profile is None)
    console = Console()
    work = _work(request, plan)
    console.print(_outlook(plan, work), soft_wrap=True, highlight=False)
    if request.dry_run:
        return _say([*request.command, "--dry-run", "--quiet", "rules"])
    if request.profile is None and not request.yes:
        _check_time(work)
    # Where a kill left outputs that were not recorded, Snakemake 9.27 makes these again and takes
    # them for all there is to do.
    again = UNRECORDED.is_dir() and any(UNRECORDED.iterdir())
    code = _follow(request, config, console)
    if code == 0 and again:
        code = _follow(request, config, console)
    if code == 0:
        console.print(f"The page: {Results(config.results).page}", soft_wrap=True, highlight=False)
    elif code != MISTAKE:
        _check_disks(config, FULL)  # where a log is full, too, nobody could say so
    return code


def _say(command: Sequence[str]) -> int:
    """Run a command, and say what it says: who does not listen to the end ends both."""
    said: list[str] = []
    usage = False  # after which only the reason matters, for which it is shown
    with running(command) as process:
        for line in process.lines():
            said.append(line)
            usage = usage or line.startswith("usage: ")
            if not usage:
                print(line, end="", flush=True)
        code = process.wait()
    if code and (refusal := refused(said)):
        raise refusal
    return code


def _check_disks(config: Config, least: float) -> None:
    """Raise :class:`UserError` unless results, and what lies beside them, have so many bytes."""
    for place in (Path(), config.results, Results(config.results).logs):
        check_disk(place, least)


def _work(request: Request, plan: Plan) -> Work:
    """Return what is still to be trained."""
    gpu = plan.config.compute.device != "cpu" and bool(count_slots(1))
    cores = (os.cpu_count() or 1) if request.cores == "all" else int(request.cores)
    return work_left(plan, _timings(plan), gpu=gpu or request.profile is not None, cores=cores)


def _check_time(work: Work) -> None:
    """Raise :class:`UserError` if this machine would be busy for days."""
    if work.hours > MOST_HOURS:
        share = math.ceil(work.hours / MOST_HOURS)
        raise UserError(
            f"That is more than {MOST_HOURS} hours: {work.told}.",
            f"add --yes to start it anyway, or lower steps or seeds: 1 / {share:,} of them "
            "is possible.",
        )


def _outlook(plan: Plan, work: Work) -> str:
    """Say what will be done, and how long that takes."""
    names = ", ".join(plan.experiments)
    if not work.to_do:
        return f"{plan.config.name}: {names}. All {work.jobs} training jobs are done."
    return (
        f"{plan.config.name}: {names}. {work.to_do} of {work.jobs} training jobs remain: "
        f"{work.told}, by {work.source}."
    )


def _timings(plan: Plan) -> Path:
    """Return the last timings: of ``l2rw bench``, or else of these results."""
    if TIMINGS.exists() or plan.bench_file is None:
        return TIMINGS
    return Results(plan.config.results).bench(plan.bench_file)


def _follow(request: Request, config: Config, console: Console) -> int:
    """Run Snakemake and show what happens; return its exit code."""
    logs = Results(config.results).logs
    with running(request.command) as process, Display(logs, console) as display:
        for event in read_events(process.lines()):
            display.tell(event)
        code = process.wait()
    if code and not display.failed:
        told = [line for line in display.said if line.startswith("Error: ")]
        if not told and (refusal := refused(display.said)):
            raise refusal
        told = told or display.said
        console.print("\n".join(told), soft_wrap=True, highlight=False, markup=False)
    elif code:
        jobs = "A job" if len(display.failed) == 1 else f"{len(display.failed)} jobs"
        console.print(
            f"{jobs} failed; finished results are kept. Correct the cause and run again.",
            soft_wrap=True,
        )
        if all(map(user_can_correct, display.failed)):
            return MISTAKE
    return code
