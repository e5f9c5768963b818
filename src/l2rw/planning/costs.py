"""What a training step costs, known without PyTorch: for plans, and for the limits of jobs.

``costs.csv`` holds what ``l2rw costs`` found: operations are counted, memory is measured on a CPU.
"""

import math
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from l2rw.planning.hours import Times
from l2rw.training.spec import RunSpec

COSTS = files("l2rw.planning") / "costs.csv"
TERAFLOPS = {"cuda": 10.0, "cpu": 0.05}
"""What a GPU, and a CPU thread, is taken to sustain at least, in 10¹² operations a second."""
LAUNCH_SECONDS = 0.05
"""What launching the kernels of a step is taken to cost at most, however small the network."""
MARGIN = 2.0
"""By how much a job may be slower before its time limit strikes. It would go on from there."""
START_MINUTES = 10
"""To load libraries and data, to evaluate, to compile."""
MB_PER_MIB = 2**20 / 10**6
LOADED_MB = 4000
"""Memory for libraries and data, those of CUDA included."""


class Cost(NamedTuple):
    """What a step costs for each example, in floating-point operations, and in memory."""

    sgd: float
    """For a training example of SGD."""
    reweighted: float
    """For a training example of L2RW in forward mode."""
    clean: float
    """For a clean example of L2RW."""
    mib: float
    """Most that a step of L2RW takes for each of its examples, training and clean, in MiB."""


class Limits(NamedTuple):
    """What a training job may take."""

    mem_mb: int
    runtime: int
    """Minutes."""


@cache
def costs() -> dict[str, Cost]:
    """Return the costs of every network, by name."""
    _, *lines = COSTS.read_text(encoding="utf-8").splitlines()
    cells = (line.split(",") for line in lines)
    return {model: Cost(*map(float, numbers)) for model, *numbers in cells}


def times_by_operations(
    models: Iterable[str], teraflops: float, batch_size: int = 100, clean_batch_size: int = 100
) -> dict[str, Times]:
    """Divide the operations of a step by a rate.

    Args:
        models: Names.
        teraflops: Operations that the device sustains, in 10¹² a second.
        batch_size: Training examples in a step.
        clean_batch_size: Clean examples in a step of L2RW; 10 for LeNets in any case.
    """
    times = {}
    for model in models:
        cost = costs()[model]
        clean = 10 if model.startswith("lenet") else clean_batch_size
        operations = batch_size * cost.sgd, batch_size * cost.reweighted + clean * cost.clean
        times[model] = Times(*(1e3 * count / (teraflops * 1e12) for count in operations))
    return times


def step_mib(spec: RunSpec, stack: int) -> float:
    """Return the memory of a step in MiB, libraries and data set not counted.

    Args:
        spec: Settings of the runs.
        stack: Seeds trained at the same time.
    """
    return stack * costs()[spec.model].mib * (spec.batch_size + (spec.clean_batch_size or 0))


def limits(spec: RunSpec, seeds: int, *, stack: int, threads: int, gpu: bool) -> Limits:
    """Return what a job that trains some seeds may take: generous, for a scheduler to kill it by.

    Args:
        spec: Settings of the runs.
        seeds: How many the job trains.
        stack: How many of them at the same time.
        threads: Of the CPU.
        gpu: Whether there is one.
    """
    cost, clean = costs()[spec.model], spec.clean_batch_size or 0
    operations = spec.batch_size * (cost.reweighted if clean else cost.sgd) + clean * cost.clean
    seconds = operations / (1e12 * TERAFLOPS["cuda" if gpu else "cpu"])
    each = max(seconds, LAUNCH_SECONDS) if gpu else seconds / threads
    minutes = START_MINUTES + MARGIN * spec.steps * seeds * each / 60
    memory = MB_PER_MIB * step_mib(spec, min(stack, seeds))
    return Limits(LOADED_MB + math.ceil(memory), math.ceil(minutes))
