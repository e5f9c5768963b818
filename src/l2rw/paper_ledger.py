"""What a ledger must know of the paper's configuration: its cells, and how long they take."""

from collections.abc import Sequence

from l2rw.analysis.ledger.entries import Paper
from l2rw.analysis.ledger.evidence import planned
from l2rw.bench.hours import estimate
from l2rw.bench.operations import times_by_operations
from l2rw.config import Config
from l2rw.plan import Plan
from l2rw.training.spec import RunSpec

TERAFLOPS = 10.0
"""Sustained by the device that hours are estimated for, as in ``l2rw plan``."""


def paper() -> Paper:
    """Return the paper as :func:`l2rw.analysis.ledger.files.write_ledger` needs it."""
    plan = Plan(Config())
    described = {name: plan.describe(name) for name in plan.experiments}
    models = {cell.spec.model for cell in plan.cells.values() if isinstance(cell.spec, RunSpec)}
    times = times_by_operations(models, TERAFLOPS)

    def hours(experiments: Sequence[str]) -> float:
        return estimate([described[name] for name in experiments], times).total

    bench = f"results/{plan.config.name}/bench/{plan.bench_file}"
    return Paper(planned(list(described.values()), plan.timed_networks), hours, bench)
