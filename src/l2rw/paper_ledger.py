"""What a ledger must know of the paper's configuration: its cells, and how long they take."""

from collections.abc import Callable, Sequence
from functools import cache

from l2rw.analysis.ledger.entries import Paper
from l2rw.analysis.ledger.evidence import planned
from l2rw.bench.hours import Times, estimate
from l2rw.bench.operations import times_by_operations
from l2rw.config import Config
from l2rw.plan import Plan
from l2rw.training.spec import RunSpec

TERAFLOPS = 10.0
"""Sustained by the device that hours are estimated for, as in ``l2rw plan``."""


def paper() -> Paper:
    """Return the paper as :func:`l2rw.analysis.ledger.files.write_ledger` needs it."""
    plan = Plan(Config())
    tables = planned([plan.describe(name) for name in plan.experiments], plan.timed_networks)
    return Paper(tables, _hours(plan), f"results/{plan.config.name}/bench/{plan.bench_file}")


def _hours(plan: Plan) -> Callable[[Sequence[str]], float]:
    """Return what estimates hours of experiments; operations are counted when first asked for."""

    @cache
    def times() -> dict[str, Times]:
        specs = (cell.spec for cell in plan.cells.values())
        models = {spec.model for spec in specs if isinstance(spec, RunSpec)}
        return times_by_operations(models, TERAFLOPS)

    def hours(experiments: Sequence[str]) -> float:
        described = [plan.describe(name) for name in experiments]
        if all("simulation" in cell for one in described for cell in one["cells"]):
            return 0.0
        return estimate(described, times()).total

    return hours
