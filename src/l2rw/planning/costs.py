"""The cost of training, known without PyTorch: for plans, and for the limits of jobs."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from l2rw.models import MODELS
from l2rw.planning.hours import Times
from l2rw.training.spec import RunSpec

TERAFLOPS = {"cuda": 10.0, "cpu": 0.05}
"""What a GPU and a CPU thread are assumed to sustain at least, in 10¹² operations a second."""
LAUNCH_SECONDS = 0.05
"""What launching the kernels of a step is assumed to take at most, for any network."""
MARGIN = 2.0
"""How many times slower a job may be before it reaches its time limit. It would continue then."""
START_MINUTES = 10
"""Time to load libraries and data, to evaluate, and to compile."""
MB_PER_MIB = 2**20 / 10**6
LOADED_MB = 4000
"""Memory for libraries and data, those of CUDA included."""


class Limits(NamedTuple):
    """What a training job may take."""

    mem_mb: int
    runtime: int
    """Minutes."""


def times_by_operations(
    models: Iterable[str], teraflops: float, batch_size: int = 100
) -> dict[str, Times]:
    """Divide the operations of a step by a rate.

    Args:
        models: Names.
        teraflops: Operations that the device sustains, in 10¹² a second.
        batch_size: Training examples in a step.
    """
    times = {}
    for model in models:
        cost = MODELS[model].cost
        clean = MODELS[model].clean_batch_size
        operations = batch_size * cost.sgd, batch_size * cost.reweighted + clean * cost.clean
        times[model] = Times(*(1e3 * count / (teraflops * 1e12) for count in operations))
    return times


def step_mib(spec: RunSpec, stack: int) -> float:
    """Return the memory of a step in MiB, libraries and data set not counted.

    Args:
        spec: Settings of the runs.
        stack: Seeds trained at the same time.
    """
    return stack * MODELS[spec.model].cost.mib * (spec.batch_size + (spec.clean_batch_size or 0))


def limits(
    spec: RunSpec, seeds: int, *, stack: int, threads: int, gpu: bool, larger: float = 1.0
) -> Limits:
    """Return the limits of a job that trains some seeds: generous, because schedulers enforce them.

    Args:
        spec: Settings of the runs.
        seeds: How many the job trains.
        stack: How many of them at the same time.
        threads: Of the CPU.
        gpu: Whether there is one.
        larger: As :func:`relative_size` returns it.
    """
    cost, clean = MODELS[spec.model].cost, spec.clean_batch_size or 0
    operations = spec.batch_size * (cost.reweighted if clean else cost.sgd) + clean * cost.clean
    seconds = larger * operations / (1e12 * TERAFLOPS["cuda" if gpu else "cpu"])
    each = max(seconds, LAUNCH_SECONDS) if gpu else seconds / threads
    minutes = START_MINUTES + MARGIN * spec.steps * seeds * each / 60
    memory = larger * MB_PER_MIB * step_mib(spec, min(stack, seeds))
    return Limits(LOADED_MB + math.ceil(memory), math.ceil(minutes))
