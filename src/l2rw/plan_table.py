"""What a configuration asks for, in a table: cells, runs, steps, hours."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from l2rw.bench.hours import Hours, Times, estimate
from l2rw.bench.operations import times_by_operations
from l2rw.bench.report import align
from l2rw.bench.run import times_of
from l2rw.cells import Cell
from l2rw.config import Config, overlaid, parse_config
from l2rw.errors import UserError
from l2rw.plan import Plan
from l2rw.training.spec import RunSpec


def read_config(overlays: Iterable[Path]) -> Config:
    """Read the paper's configuration with overlays, as Snakemake does.

    Raises:
        UserError: A file is absent, is no YAML mapping, or holds what the configuration refuses.
    """
    raw: dict[str, Any] = {}
    for path in overlays:
        try:
            content = yaml.safe_load(path.read_text())
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{path} cannot be read as a configuration ({reason}).",
                "name YAML files such as config/demo.yaml.",
            ) from None
        if not isinstance(content, dict):
            raise UserError(
                f"{path} is no configuration: it holds no keys.",
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
        teraflops: What the device sustains, if there is no ``bench``.
        with_cells: Whether to list the cells, too.
    """
    if teraflops <= 0:
        raise UserError(f"{teraflops:g} TFLOP/s would take forever.", "give --teraflops above 0.")
    plan = Plan(read_config(overlays))
    if with_cells:
        print("\n".join(_cell_lines(plan)), end="\n\n")
    plans = [plan.describe(name) for name in plan.experiments]
    hours = estimate(plans, _times(plan, bench, teraflops))
    print(plan_table(plan, hours))
    source = f"step times of {bench}" if bench else f"{teraflops:g} TFLOP/s sustained"
    print(f"\nHours of one device, by {source}; evaluations and simulations not counted.")
    if hours.not_measured:
        print(f"Not in {bench}, and left out of the hours: {', '.join(hours.not_measured)}.")
    if bench is None:
        print(
            "Small networks take longer on a GPU, which waits for kernels to be launched.\n"
            "`l2rw bench --model resnet32 wrn28_10 --out FILE` measures; --bench FILE uses it."
        )


def plan_table(plan: Plan, hours: Hours) -> str:
    """Return the table; a cell that experiments share counts once in the last line."""
    lines = [["experiment", "cells", "runs", "steps", "hours"]]
    for name, experiment in plan.experiments.items():
        counted = _counts({key: len(experiment.seeds) for key in experiment.all_cells}, plan.cells)
        lines.append([name, *counted, f"{hours.by_experiment[name]:.1f}"])
    everything = {key: plan.seeds_of(key) for key in plan.cells}
    lines.append(["all", *_counts(everything, plan.cells), f"{hours.total:.1f}"])
    return align(lines, left=1)


def _counts(seeds: Mapping[str, int], cells: Mapping[str, Cell]) -> list[str]:
    steps = sum(cells[key].spec.steps * count for key, count in seeds.items())
    return [f"{len(seeds):,}", f"{sum(seeds.values()):,}", f"{steps:,}"]


def _cell_lines(plan: Plan) -> list[str]:
    return [
        f"{key}  {plan.seeds_of(key)} seeds, {cell.spec.steps} steps"
        f"{f', after {cell.parent.id}' if cell.parent else ''}"
        for key, cell in plan.cells.items()
    ]


def _times(plan: Plan, bench: Path | None, teraflops: float) -> dict[str, Times]:
    models = {c.spec.model for c in plan.cells.values() if isinstance(c.spec, RunSpec)}
    if bench is None:
        return times_by_operations(models, teraflops)
    try:
        return times_of(json.loads(bench.read_text())["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{bench} holds no measurements that can be read ({type(error).__name__}: {error}).",
            "name what `l2rw bench --out FILE` wrote.",
        ) from None
