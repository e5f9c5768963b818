"""How many steps the training loop takes each second, alone and in company."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch

from l2rw.bench.trial import Trial
from l2rw.training.engine.loop import Training


class Way(NamedTuple):
    """A way to run steps."""

    name: str
    runs: int = 1
    """Trained at the same time."""
    capture: bool = True
    compiled: bool = False


WAYS = (
    Way("eager", capture=False),
    Way("captured"),
    Way("captured, 4 runs", runs=4),
    Way("captured, 8 runs", runs=8),
    Way("captured and compiled", compiled=True),
)
METHODS = ("baseline", "l2rw")


def ways(device: torch.device) -> Sequence[Way]:
    """Return what there is to compare: a CPU captures nothing and takes minutes to compile."""
    return [way for way in WAYS if device.type == "cuda" or not (way.compiled or way.runs == 8)]


def steps_per_second(trial: Trial, way: Way, device: torch.device, steps: int) -> float:
    """Return how many steps all runs together take each second, set-up and capture left out.

    Args:
        trial: What to train.
        way: How.
        device: Where.
        steps: Of all runs together, at least.
    """
    runs = [
        trial.training(device, compiled=way.compiled, capture=way.capture) for _ in range(way.runs)
    ]
    each = [turns(run, device) for run in runs]
    for turn in each:
        next(turn)
    wait_for(device)
    before, began = _steps(runs), time.perf_counter()
    while _steps(runs) - before < steps:
        for turn in each:
            next(turn)
    wait_for(device)
    return (_steps(runs) - before) / (time.perf_counter() - began)


def turns(run: Training, device: torch.device) -> Iterator[None]:
    """Let a run train on a stream of its own, block by block."""
    blocks = run.blocks()
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
    while True:
        with _on(stream):
            next(blocks)
        yield


def _on(stream: "torch.cuda.Stream | None") -> AbstractContextManager[Any]:
    return torch.cuda.stream(stream) if stream else nullcontext()


def _steps(runs: Sequence[Training]) -> int:
    return sum(run.state.step for run in runs)


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
