"""One training job: some seeds of a cell, from files to files."""

import time
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.sources import Dataset
from l2rw.data.splits import Split
from l2rw.errors import UserError
from l2rw.training.loop import Run, train
from l2rw.training.progress import Progress
from l2rw.training.provenance import device_facts, provenance
from l2rw.training.results import write
from l2rw.training.seeds import format_seeds
from l2rw.training.spec import RunSpec

# Forward-mode differentiation makes PyTorch load decompositions that use its own deprecated code.
warnings.filterwarnings("ignore", message=r"`torch\.jit\.script` is deprecated")


def run_job(
    compute: dict[str, Any],
    cell: dict[str, Any],
    seeds: range,
    data: Path,
    splits: Sequence[Path],
    out: Path,
    status: Path | None,
    threads: int,
) -> None:
    """Train a cell's runs for some seeds and write their results.

    Args:
        compute: How to train: ``device`` and ``stack``, as in the configuration.
        cell: A cell of a plan file.
        seeds: Seeds to train.
        data: Data set file.
        splits: Split files of ``seeds``, in the same order.
        out: Folder for the results.
        status: File to keep up to date while training, if any.
        threads: CPU threads.
    """
    started = time.perf_counter()
    torch.set_num_threads(threads)
    device = choose_device(compute["device"])
    spec = RunSpec(**{**cell["training"], "decay_at": tuple(cell["training"]["decay_at"])})
    dataset = Dataset.load(data)
    stack: int = compute["stack"]
    stacks = range(0, len(seeds), stack)
    runs: list[Run] = []
    name = f"{cell['id']} seed {format_seeds(seeds)}"
    with Progress(name, spec.steps * len(stacks), status) as progress:
        for done, first in enumerate(stacks):
            some = slice(first, first + stack)
            runs += train(
                spec,
                dataset,
                [Split.load(path) for path in splits[some]],
                CORRUPTIONS[cell["corruption"]].classes,
                seeds[some],
                device,
                partial(progress, done * spec.steps),
            )
    made = {
        **provenance(),
        **device_facts(device),
        "stack": stack,
        "seconds": round(time.perf_counter() - started, 1),
    }
    write(out, runs, cell, made)


def choose_device(name: str) -> torch.device:
    """Return the device that the configuration's ``auto``, ``cpu`` or ``cuda`` means here."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "compute.device is 'cuda', but PyTorch sees no CUDA device here.",
            "set compute.device to auto or cpu; `make doctor` shows what PyTorch sees.",
        )
    return torch.device(name)
