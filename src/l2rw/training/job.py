"""One training job: some seeds of a cell, from files to files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.store.checksums import verify
from l2rw.store.errors import UserError
from l2rw.store.paths import RESULT, seeds_name
from l2rw.store.provenance import provenance, source_hash
from l2rw.store.seeds import format_seeds
from l2rw.training.checkpoints import Checkpoints, Monitor, stop_on_sigterm
from l2rw.training.device import choose_device, device_facts, set_up_torch
from l2rw.training.engine.loop import Run, Start, Training
from l2rw.training.engine.network import Network, build_network
from l2rw.training.plan_file import CellEntry, Compute
from l2rw.training.progress import Progress
from l2rw.training.results import write
from l2rw.training.spec import RunSpec
from l2rw.training.trained import load_trained


@dataclass(frozen=True)
class Job:
    """Some seeds of a cell, and the files they need and leave."""

    cell: CellEntry
    compute: Compute
    seeds: range
    data: Path
    """Data set file."""
    splits: Sequence[Path]
    """Split files of the seeds, in the same order."""
    parents: Sequence[Path]
    """Files of the trained networks that the cell waits for, if it does."""
    out: Path
    """Folder for the results."""
    checkpoints: Path
    """Folder for checkpoints, emptied after success."""
    status: Path | None
    """File to keep up to date while training, if any."""

    @property
    def name(self) -> str:
        """What people read in logs."""
        return f"{self.cell.id} seed {format_seeds(self.seeds)}"

    @property
    def spec(self) -> RunSpec:
        """Settings of the runs."""
        return self.cell.run_spec


def run_job(job: Job) -> None:
    """Train a job's seeds, as many at a time as ``compute`` stacks, and write their results.

    Killed at any moment and run again, it goes on from its last checkpoint.
    """
    started = time.perf_counter()
    made = provenance()
    spec = job.spec
    device = choose_device(job.compute.device)
    if spec.precision == "tf32" and device.type != "cuda":
        raise UserError("Only CUDA devices compute in tf32.", "set training.precision to float32.")
    set_up_torch(spec.precision, job.compute.threads, deterministic=job.compute.deterministic)
    dataset = Dataset.load(job.data)
    classes = job.cell.corruption.classes
    # Dropout masks come from one generator: runs must not depend on who trains beside them.
    network = build_network(spec, dataset.info.image_shape, classes)
    stack = 1 if network.draws_masks else job.compute.stack
    for path in job.parents:
        verify(path, path.with_name(RESULT))
    first_places = range(0, len(job.seeds), stack)
    runs: list[Run] = []
    checkpoints: list[Checkpoints] = []
    with (
        stop_on_sigterm() as stop,
        Progress(job.name, spec.steps * len(first_places), job.status) as progress,
    ):
        for done, first in enumerate(first_places):
            seeds = job.seeds[first : first + stack]
            starts = [_start(job, network, place) for place in range(first, first + len(seeds))]
            training = Training(
                spec, network, dataset, classes, starts, device, compiled=job.compute.compile
            )
            checkpoints.append(_checkpoints(job, seeds, device))
            checkpoints[-1].resume(training.state)
            runs += training.run(
                Monitor(spec.steps, done * spec.steps, progress, checkpoints[-1], stop)
            )
    made |= {
        **device_facts(device),
        "precision": spec.precision,
        "stack": stack,
        "compile": job.compute.compile,
        "algorithm": training.algorithm,
        "deterministic": job.compute.deterministic,
        "seconds": round(time.perf_counter() - started, 1),
    }
    write(job.out, runs, job.cell, made)
    for one in checkpoints:
        one.discard()


def _start(job: Job, network: Network, place: int) -> Start:
    seed = job.seeds[place]
    parent = load_trained(job.parents, network, seed) if job.cell.parent else None
    return Start(seed, Split.load(job.splits[place]), parent)


def _checkpoints(job: Job, seeds: range, device: torch.device) -> Checkpoints:
    which = seeds_name(format_seeds(seeds))
    # What could change a number; the other knobs of how to train are recorded in the result.
    fingerprint = (
        f"{job.cell.id} {which} on {device.type} with {job.compute.threads} threads by torch "
        f"{torch.__version__} and source {source_hash()}"
    )
    file = job.checkpoints / f"{which}.safetensors"
    return Checkpoints(file, fingerprint, job.compute.checkpoint_seconds)
