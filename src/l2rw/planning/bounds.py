"""Refusal of what cannot be run, before any job starts, with a number that could."""

import os
from typing import NoReturn

from l2rw.experiments.cells import Cell
from l2rw.planning.costs import MB_PER_MIB, limits, step_mib
from l2rw.planning.hours import relative_size
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError
from l2rw.theory.spec import SimulationSpec
from l2rw.training.spec import RunSpec

MOST_RUNS = 100_000
"""Seeds of all cells together: planning alone takes minutes then."""
MOST_UPDATES = 10**9
"""Steps times trajectories of a simulation: some hours of a CPU."""
MOST_MINUTES = 10 * 366 * 24 * 60
"""Of one job."""
LIBRARIES_MB = 1000
"""Memory of libraries, which no step can use."""
LARGEST_NODE_MB = 4e6
"""Memory that is assumed for other machines."""


def check_bounds(plan: Plan, *, memory_mb: float = LARGEST_NODE_MB) -> None:
    """Refuse what exceeds any machine, or the memory of the machine that jobs run on.

    Args:
        plan: What is to be run.
        memory_mb: Of the machine; see :func:`memory_of_this_machine`.

    Raises:
        UserError: Names the setting, and a number that is possible.
    """
    runs = sum(plan.seeds_of(cell) for cell in plan.cells)
    if runs > MOST_RUNS:
        raise UserError(
            f"{plan.config.name} asks for {runs:,} runs of {len(plan.cells):,} cells.",
            f"lower seeds to at most {max(1, MOST_RUNS // len(plan.cells))}, or cut targets.",
        )
    for cell in plan.cells.values():
        if isinstance(cell.spec, SimulationSpec):
            _check_updates(cell.spec)
    training = [cell for cell in plan.cells.values() if isinstance(cell.spec, RunSpec)]
    if training:
        # A limit for the most demanding cell holds for all.
        _check_memory(plan, max(training, key=lambda cell: _step_mb(plan, cell)), memory_mb)
        _check_time(plan, max(training, key=lambda cell: _minutes(plan, cell)))


def memory_of_this_machine() -> float:
    """Return the memory in MB of this machine; that of the largest if it is unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError):
        return LARGEST_NODE_MB


def _check_updates(spec: SimulationSpec) -> None:
    if spec.steps * spec.trajectories > MOST_UPDATES:
        raise UserError(
            f"Simulating {spec.steps:,} steps of {spec.trajectories:,} trajectories takes days.",
            f"lower its steps to at most {max(1, MOST_UPDATES // spec.trajectories):,}, or "
            f"theory.trajectories to {max(1, MOST_UPDATES // spec.steps):,}.",
        )


def _step_mb(plan: Plan, cell: Cell) -> float:
    """Return the memory of a step of a cell's jobs."""
    assert isinstance(cell.spec, RunSpec)
    stack = min(plan.config.compute.stack, plan.config.compute.seeds_per_job)
    return (
        MB_PER_MIB
        * relative_size(cell.split.data, cell.spec.model)
        * step_mib(cell.spec, min(stack, plan.seeds_of(cell.id)))
    )


def _check_memory(plan: Plan, cell: Cell, memory_mb: float) -> None:
    spec = cell.spec
    assert isinstance(spec, RunSpec)
    needed, room = _step_mb(plan, cell), max(0.0, memory_mb - LIBRARIES_MB)
    if needed <= room:
        return
    stack, clean = plan.config.compute.stack, spec.clean_batch_size or 0
    fitting = int(room / needed * (spec.batch_size + clean)) - clean
    if fitting >= 2:
        hint = f"lower batch_size to at most {_round(fitting)}."
    elif stack > 1:
        running = min(stack, plan.config.compute.seeds_per_job, plan.seeds_of(cell.id))
        hint = f"lower compute.stack to {max(1, int(running * room / needed))}."
    else:
        hint = "lower batch_size and clean_batch_size, or use a larger machine."
    examples = f"{spec.batch_size + clean:,} examples"
    _refuse(cell, f"a step of {spec.model} on {examples} takes {needed / 1e3:,.1f} GB", hint)


def _minutes(plan: Plan, cell: Cell) -> float:
    """Return how long a cell's jobs may take."""
    assert isinstance(cell.spec, RunSpec)
    compute = plan.config.compute
    return limits(
        cell.spec,
        min(compute.seeds_per_job, plan.seeds_of(cell.id)),
        stack=compute.stack,
        threads=compute.threads,
        gpu=compute.device != "cpu",
        larger=relative_size(cell.split.data, cell.spec.model),
    ).runtime


def _check_time(plan: Plan, cell: Cell) -> None:
    minutes = _minutes(plan, cell)
    if minutes > MOST_MINUTES:
        steps = _round(cell.spec.steps * MOST_MINUTES / minutes)
        years = f"{minutes / (366 * 24 * 60):,.0f} years"
        _refuse(cell, f"{cell.spec.steps:,} steps may take {years}", f"lower steps to {steps}.")


def _round(number: float) -> str:
    """Return a number of two digits that is not larger."""
    digits = max(0, len(str(int(number))) - 2)
    return f"{max(1, int(number) // 10**digits * 10**digits):,}"


def _refuse(cell: Cell, why: str, hint: str) -> NoReturn:
    raise UserError(f"{cell.id} cannot be run: {why}.", hint)
