"""What a ledger must know of the paper's configuration: its cells, and how long they take."""

from collections.abc import Callable, Sequence

from l2rw.claims.entries import Paper
from l2rw.claims.evidence import planned
from l2rw.config.load import Config
from l2rw.models import MODELS
from l2rw.planning.costs import TERAFLOPS, times_by_operations
from l2rw.planning.hours import estimate
from l2rw.planning.plan import Plan


def paper() -> Paper:
    """Return the paper as :func:`l2rw.claims.files.write_ledger` needs it."""
    plan = Plan(Config())
    tables = planned([plan.describe(name) for name in plan.experiments], plan.timed_networks)
    return Paper(tables, _hours(plan), f"results/{plan.config.name}/bench/{plan.bench_file}")


def _hours(plan: Plan) -> Callable[[Sequence[str]], float]:
    """Return what estimates hours of experiments on a GPU."""
    times = times_by_operations(MODELS, TERAFLOPS["cuda"])
    return lambda experiments: estimate([plan.describe(e) for e in experiments], times).total
