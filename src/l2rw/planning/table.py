"""A configuration's cells, runs, steps and hours in a table."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from l2rw.config.load import Config, overlaid, parse_config
from l2rw.config.yaml_file import read_yaml
from l2rw.experiments.cells import Cell
from l2rw.planning.costs import TERAFLOPS, step_mib, times_by_operations
from l2rw.planning.hours import Hours, Times, estimate, seconds_of_run, times_of
from l2rw.planning.plan import Plan
from l2rw.store.checksums import read_result
from l2rw.store.errors import UserError, why
from l2rw.store.seeds import parse_seeds
from l2rw.store.text import align
from l2rw.training.spec import RunSpec


def read_config(overlays: Iterable[Path]) -> Config:
    """Read the paper's configuration with overlays, as Snakemake does.

    Raises:
        UserError: A file is absent, is not a YAML mapping, or has keys or values that are refused.
    """
    raw: dict[str, Any] = {}
    for path in overlays:
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise UserError(
                f"{path} is not a configuration: it contains no keys.",
                "name YAML files such as config/demo.yaml.",
            )
        raw = overlaid(raw, content)
    return parse_config(raw)


def print_plan(
    overlays: Iterable[Path], bench: Path | None, teraflops: float, *, with_cells: bool
) -> None:
    """Print a line for each experiment and one for all, and where the hours come from.

    Args:
        overlays: Configuration files over the paper's.
        bench: What ``l2rw bench`` wrote on the device in question; operations are counted if None.
        teraflops: What the device sustains, above 0, if there is no ``bench``.
        with_cells: Whether to list the cells, too.
    """
    config = read_config(overlays)
    plan = Plan(config, config.results)
    if with_cells:
        print("\n".join(_cell_lines(plan)), end="\n\n")
    plans = [plan.describe(name) for name in plan.experiments]
    times = _measured(bench) if bench else _counted(plan, teraflops)
    hours = estimate(plans, times, {c.split.dataset: c.split.data for c in plan.cells.values()})
    print(plan_table(plan, hours))
    source = f"step times of {bench}" if bench else f"{teraflops:g} TFLOP/s sustained"
    print(
        f"\nHours of one device, by {source}; simulations are not counted.\n"
        f"Memory is that of the largest training step, measured on a CPU in float32."
    )
    if hours.not_measured:
        print(f"Not in {bench}, and left out of the hours: {', '.join(hours.not_measured)}.")
    if bench is None:
        print(
            "Small networks take longer on a GPU, which waits for kernels to be launched.\n"
            "`l2rw bench --model resnet32 wrn28_10 --out FILE` measures; --bench FILE uses it."
        )


def plan_table(plan: Plan, hours: Hours) -> str:
    """Return the table; a cell that experiments share counts once in the last line."""
    lines = [["experiment", "cells", "runs", "jobs", "to do", "steps", "hours", "GiB"]]
    for name, experiment in plan.experiments.items():
        seeds = {key: len(experiment.seeds) for key in experiment.all_cells}
        lines.append([name, *_counts(plan, seeds, hours.by_experiment[name])])
    everything = {key: plan.seeds_of(key) for key in plan.cells}
    lines.append(["all", *_counts(plan, everything, hours.total)])
    return align(lines, left=1)


class Work(NamedTuple):
    """What is still to be trained."""

    jobs: int
    """All training jobs."""
    to_do: int
    """Those without results."""
    hours: float
    """Of one device; on CPUs, of all cores together."""
    told: str
    """How long it takes, for people."""
    source: str
    """Where the hours come from."""


def work_left(plan: Plan, bench: Path, *, gpu: bool, cores: int) -> Work:
    """Return what is still to be trained and how long that would take.

    Args:
        plan: Knows which results are there.
        bench: What ``l2rw bench`` wrote, to be preferred to counted operations if it is there.
        gpu: Whether jobs will run on GPUs; else on the CPU, ``cores`` of them at a time.
        cores: Of this machine.
    """
    teraflops = TERAFLOPS["cuda" if gpu else "cpu"]
    times = _counted(plan, teraflops) | (_measured(bench) if bench.exists() else {})
    hours, to_do, jobs = 0.0, 0, 0
    for cell in _trained(plan):
        assert isinstance(cell.spec, RunSpec)
        left = _left(plan, cell)
        split = cell.split
        each = seconds_of_run(cell.spec, split.data, split.corruption, times[cell.spec.model])
        hours += sum(map(len, left)) * each / 3600
        to_do, jobs = to_do + len(left), jobs + len(plan.jobs(cell))
    source = str(bench) if bench.exists() else f"{teraflops:g} TFLOP/s sustained"
    hours = hours if gpu else hours / cores
    return Work(jobs, to_do, hours, _told(hours, gpu=gpu, cores=cores), source)


def _told(hours: float, *, gpu: bool, cores: int) -> str:
    if hours < 1:
        minutes = round(60 * hours)
        time = f"about {minutes} minutes" if minutes > 1 else "about a minute"
    elif gpu:
        time = f"about {hours:,.0f}"
    else:
        time = f"about {hours:,.0f} hours" if hours < 48 else f"about {hours / 24:,.0f} days"
    if gpu:
        return f"{time} GPU hours" if hours >= 1 else f"{time} of a GPU"
    return f"{time} on {cores} CPU core{'s' if cores > 1 else ''} without a GPU"


def remaining_work(plan: Plan, bench: Path, *, gpu: bool, cores: int) -> str | None:
    """Say in a line what :func:`work_left` returns; None if it is not an hour."""
    work = work_left(plan, bench, gpu=gpu, cores=cores)
    if work.hours < 1:
        return None
    line = (
        f"{work.to_do:,} of {work.jobs:,} training jobs remain: {work.told} and up to "
        f"{_gib(plan, _trained(plan)):.1f} GiB a step, by {work.source}; see `l2rw plan`."
    )
    demo = " `make demo` shows everything in miniature, in minutes."
    return line if gpu or work.hours < 24 else line + demo


def _counts(plan: Plan, seeds: Mapping[str, int], hours: float) -> list[str]:
    cells = [plan.cells[key] for key in seeds]
    jobs = [job for cell in cells for job in plan.jobs(cell, range(seeds[cell.id]))]
    left = [job for cell in cells for job in _left(plan, cell) if job.start < seeds[cell.id]]
    steps = sum(plan.cells[key].spec.steps * count for key, count in seeds.items())
    numbers = (len(cells), sum(seeds.values()), len(jobs), len(left), steps)
    return [*(f"{number:,}" for number in numbers), f"{hours:.1f}", f"{_gib(plan, cells):.1f}"]


def _left(plan: Plan, cell: Cell) -> list[range]:
    """Return the jobs of a cell whose results are not there."""
    done = plan.done(cell)
    return [job for job in map(parse_seeds, plan.jobs(cell)) if job not in done]


def _trained(plan: Plan) -> list[Cell]:
    return [cell for cell in plan.cells.values() if isinstance(cell.spec, RunSpec)]


def _gib(plan: Plan, cells: Iterable[Cell]) -> float:
    """Return the most memory that a training step of some cells takes."""
    stack = plan.config.compute.stack
    specs = [cell.spec for cell in cells if isinstance(cell.spec, RunSpec)]
    return max((step_mib(spec, stack) for spec in specs), default=0.0) / 2**10


def _cell_lines(plan: Plan) -> list[str]:
    return [
        f"{key}  {plan.seeds_of(key)} seeds, {cell.spec.steps} steps"
        f"{f', after {cell.parent.id}' if cell.parent else ''}"
        for key, cell in plan.cells.items()
    ]


def _counted(plan: Plan, teraflops: float) -> dict[str, Times]:
    models = {cell.spec.model for cell in plan.cells.values() if isinstance(cell.spec, RunSpec)}
    return times_by_operations(models, teraflops)


def _measured(bench: Path) -> dict[str, Times]:
    try:
        report = read_result(bench)
        return times_of(report["rows"], report["settings"]["batch_size"])
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise UserError(
            f"{bench} contains no readable measurements ({why(error)}).",
            "name what `l2rw bench --out FILE` wrote.",
        ) from None
