"""One training job: some seeds of a cell, from files to files."""

import gc
import logging
import signal
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import torch

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.store.checksums import verified_of_run
from l2rw.store.errors import UserError
from l2rw.store.paths import seeds_name, split_name
from l2rw.store.provenance import provenance, source_hash
from l2rw.store.seeds import format_seeds
from l2rw.training.checkpoints import Checkpoints, Monitor, Stop, stop_on_sigterm
from l2rw.training.device import choose_device, device_facts, reset_peak, set_up_torch
from l2rw.training.engine.loop import Training
from l2rw.training.engine.network import Network, build_network
from l2rw.training.engine.runs import Run, Start
from l2rw.training.initial_weights import load_initial
from l2rw.training.job import Job
from l2rw.training.progress import Progress
from l2rw.training.results import write
from l2rw.training.trained import load_own, load_trained

log = logging.getLogger(__name__)


def run_job(job: Job) -> None:
    """Train a job's seeds, as many at a time as ``compute`` stacks, and write their results.

    If it is killed and run again, it continues from its last checkpoint.
    """
    with stop_on_sigterm() as stop:
        for _ in blocks_of(job, stop):
            pass


def blocks_of(job: Job, stop: Stop) -> Generator[int]:
    """Train like :func:`run_job`, and yield the step now and then so that other jobs get a turn.

    Raises:
        SystemExit: It was asked to stop, and its checkpoint is written.
    """
    started = time.perf_counter()
    made = provenance()
    spec = job.spec
    device = device_of(job)
    if spec.precision == "tf32" and device.type != "cuda":
        raise UserError("Only CUDA devices compute in tf32.", "set training.precision to float32.")
    set_up_torch(spec.precision, job.compute.threads, deterministic=job.compute.deterministic)
    dataset = Dataset.load(job.data, job.cell.data_name)
    classes = job.cell.corruption.classes
    # Dropout masks come from one generator, so stacked runs would depend on each other.
    network = build_network(spec, dataset.info.image_shape, classes)
    stack = 1 if network.draws_masks else job.compute.stack
    for path in job.parents:
        verified_of_run(path, job.cell.parent or "")
    first_places = range(0, len(job.seeds), stack)
    runs: list[Run] = []
    checkpoints: list[Checkpoints] = []
    with Progress(job.name, spec.steps * len(first_places), job.status) as progress:
        for done, first in enumerate(first_places):
            seeds = job.seeds[first : first + stack]
            starts = [_start(job, network, place) for place in range(first, first + len(seeds))]
            training = Training(
                spec,
                network,
                dataset,
                classes,
                starts,
                device,
                compiled=job.compute.compile,
                capture=job.compute.capture,
            )
            checkpoints.append(_checkpoints(job, seeds, device))
            checkpoints[-1].resume(training.state)
            yield from training.blocks(
                Monitor(spec.steps, done * spec.steps, progress, checkpoints[-1], stop)
            )
            runs += training.finished()
    made |= {
        **device_facts(device),
        "precision": spec.precision,
        "stack": stack,
        "compile": job.compute.compile,
        "algorithm": training.algorithm,
        "deterministic": job.compute.deterministic,
        # Of all attempts: a checkpoint holds the time of those that were killed.
        "seconds": round(
            time.perf_counter() - started + sum(one.seconds_before for one in checkpoints), 1
        ),
    }
    yield spec.steps
    if stop.asked:  # whoever asked no longer expects the results
        raise SystemExit(128 + signal.SIGTERM)
    write(job.out, runs, job.cell, made, dataset.train_ids)
    for one in checkpoints:
        one.discard()


def device_of(job: Job) -> torch.device:
    """Return where a job trains."""
    return choose_device(job.compute.device)


def forget_earlier_jobs() -> None:
    """Free the memory of a process's earlier jobs, and reset its peak."""
    gc.collect()
    reset_peak()


def _start(job: Job, network: Network, place: int) -> Start:
    seed = job.seeds[place]
    split = Split.load(job.splits[place], split_name(job.cell.split, seed))
    start = Start(seed, split, initial=_initial(job, network, seed))
    if job.cell.parent is None:
        return start
    parent = load_trained(job.parents, network, seed)
    return replace(start, parent=parent, parent_own=load_own(job.parents, seed))


def _initial(job: Job, network: Network, seed: int) -> tuple[Parameters, Tensors] | None:
    """Return the user's initial weights, if there are any."""
    if not job.spec.initial_weights:
        return None
    path = Path(job.cell.initial_weights or "").expanduser()
    values, drawn = load_initial(path, job.spec.initial_weights, network, seed)
    if drawn:
        log.info("%s is for other classes: %s start from random values.", path, " and ".join(drawn))
    return values


def _checkpoints(job: Job, seeds: range, device: torch.device) -> Checkpoints:
    which = seeds_name(format_seeds(seeds))
    # Everything that could change a number; the result records the other settings.
    fingerprint = (
        f"{job.cell.id} {which} on {device.type} with {job.compute.threads} threads by torch "
        f"{torch.__version__} and source {source_hash()}"
    )
    file = job.checkpoints / f"{which}.safetensors"
    return Checkpoints(file, fingerprint, job.compute.checkpoint_seconds)
