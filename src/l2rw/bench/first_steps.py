"""The first steps of a real run, timed beside plain SGD: weights of zero make L2RW cheaper."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from l2rw.bench.gradient_algorithms import Examples
from l2rw.bench.machine import milliseconds
from l2rw.bench.plain import PlainTraining
from l2rw.bench.workload import dataset_of, lay_out, random_examples
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.store.errors import UserError
from l2rw.store.files import write_json
from l2rw.store.paths import split_name
from l2rw.store.provenance import provenance
from l2rw.store.text import align
from l2rw.training.cell_entry import CellEntry
from l2rw.training.device import choose_device, device_facts, set_up_torch
from l2rw.training.engine.batches import BLOCK
from l2rw.training.engine.loop import Training
from l2rw.training.engine.network import build_network
from l2rw.training.engine.runs import Start
from l2rw.training.plan_file import Compute

STRETCHES = 4
"""Rows of the table at most: the run's steps in as many parts."""


class Turn(NamedTuple):
    """Some steps of the run, and as many of plain SGD right after them."""

    steps: int
    ms: float
    """Milliseconds for each step of the run."""
    sgd_ms: float
    """Milliseconds for each step of plain SGD, in its faster memory format in that turn."""
    zero_weights: float
    """Share of the examples seen whose weight was zero."""


def bench_run(
    cell: CellEntry, compute: Compute, seed: int, data: Path, split: Path, steps: int, out: Path
) -> None:
    """Train a run's first steps, print and write what they took.

    The run's evaluations are left out. Plain SGD trains the same network on random images.

    Args:
        cell: What to train, on images of the size for which its network was made; it waits for no
            other network.
        compute: How.
        seed: Of the run.
        data: Data set file.
        split: Split file of the seed.
        steps: How many to train at least.
        out: File to write (.json).

    Raises:
        UserError: The images have another size.
    """
    beyond = steps + BLOCK  # the evaluation after the last step would be timed
    spec = replace(cell.run_spec, steps=max(beyond, cell.run_spec.steps), evaluations=1)
    device = choose_device(compute.device)
    set_up_torch(spec.precision, compute.threads)
    dataset = Dataset.load(data, cell.data_name)
    _require_size(spec.model, dataset)
    training = Training(
        spec,
        build_network(spec, dataset.info.image_shape, cell.corruption.classes),
        dataset,
        cell.corruption.classes,
        [Start(seed, Split.load(split, split_name(cell.split, seed)))],
        device,
        capture=compute.capture,
    )
    turns = list(_turns(training, PlainSGD(cell, device), steps, device))
    report = {
        "cell": cell.to_json(),
        "seed": seed,
        "algorithm": training.algorithm,
        "provenance": provenance(),
        "device": device_facts(device) | {"precision": spec.precision},
        "turns": [turn._asdict() for turn in turns],
    }
    write_json(out, report)
    head = ["steps", "ms/step", "plain SGD", "ratio", "zero weights"]
    print(align([head, *_stretches(turns), _row("all", turns)], left=1))


def _require_size(model: str, dataset: Dataset) -> None:
    timed = dataset_of(model)
    if dataset.info.image_shape[1:] != timed.image_shape[1:]:
        size = "×".join(map(str, timed.image_shape[1:]))
        raise UserError(
            f"{model} is timed on {size} images, but {dataset.info.name} has others.",
            f"time a run on {timed.name}.",
        )


class PlainSGD:
    """Plain SGD on random images, in both memory formats."""

    def __init__(self, cell: CellEntry, device: torch.device) -> None:
        """Prepare the cell's network."""
        spec = cell.run_spec
        seen = random_examples(spec.model, 1, spec.batch_size, 1, device)
        self._ways = [
            (
                PlainTraining(spec.model, spec.precision, device, channels_last=last),
                lay_out(seen, channels_last=last),
            )
            for last in (False, True)
        ]
        self._device = device

    def milliseconds(self, steps: int) -> float:
        """Return what a step takes in the faster format, by as many steps in each."""
        ways = (partial(self._run, *way, steps) for way in self._ways)
        return min(milliseconds(way, self._device) for way in ways) / steps

    def _run(self, training: PlainTraining, seen: Examples, steps: int) -> None:
        for _ in range(steps):
            training.step(seen)


def _turns(training: Training, plain: PlainSGD, steps: int, device: torch.device) -> Iterator[Turn]:
    blocks, zeros, state = training.blocks(), 0.0, training.state
    while (before := state.step) < steps:
        ms = milliseconds(partial(_advance, blocks), device)
        done = state.step - before
        zeros, old = state.tally.means()[0].zero_weights * state.step, zeros
        yield Turn(done, ms / done, plain.milliseconds(done), (zeros - old) / done)


def _stretches(turns: Sequence[Turn]) -> list[list[str]]:
    ends = list(accumulate(turn.steps for turn in turns))
    stretches: dict[int, list[Turn]] = {}
    for end, turn in zip(ends, turns, strict=True):
        stretches.setdefault((end - 1) * STRETCHES // ends[-1], []).append(turn)
    done = accumulate(sum(turn.steps for turn in stretch) for stretch in stretches.values())
    return [
        _row(f"up to {end:,}", stretch)
        for end, stretch in zip(done, stretches.values(), strict=True)
    ]


def _row(steps: str, turns: Sequence[Turn]) -> list[str]:
    of = [turn.steps for turn in turns]
    ms, sgd, zero = (
        float(np.average([getattr(turn, name) for turn in turns], weights=of))
        for name in ("ms", "sgd_ms", "zero_weights")
    )
    return [steps, f"{ms:.2f}", f"{sgd:.2f}", f"{ms / sgd:.2f}", f"{zero:.2f}"]


def _advance(blocks: Iterator[int]) -> None:
    next(blocks, None)
