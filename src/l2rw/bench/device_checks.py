"""What `l2rw gpu-check` finds out about a network on a device: a row for each case."""

import os
import platform
import subprocess
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

from l2rw.bench.check_rows import Row, attempt, told
from l2rw.bench.device_times import bench, throughput
from l2rw.bench.gpu_check import FILLS_A_GPU
from l2rw.bench.throughput import turns, wait_for
from l2rw.bench.trial import (
    CPU,
    DoubleNetwork,
    Trial,
    advance,
    copy_of,
    difference,
    methods_of,
    one_of_each_family,
)
from l2rw.training.device import device_facts, set_up_torch
from l2rw.training.engine.batches import BLOCK
from l2rw.training.engine.state import State

FIRST_STEP, LAST_STEP = 1e-4, 0.1
"""Largest differences that pass after one step, relative to what is compared, and after all steps,
relative to how far the parameters have moved. The second is loose because rounding jumps where it
turns a ReLU, and training spreads that; a wrong rate or momentum still shows."""
FIRST_STEP_IF_LARGE = 5e-3
"""FIRST_STEP of networks with millions of ReLUs, of which rounding turns some in any step: float32
on a CPU puts the gradient of ResNet-32 1.2e-3 from that in float64."""
DRAWS = 3
"""Trials on images of their own before a network differs. A ReLU whose input lies within rounding
of zero turns in few of them, and then shifts the gradient of a network with few ReLUs by half a
percent; what is wrong shows in all."""
COMPANY = 3
"""Runs that train at the same time."""
LARGE = frozenset({"resnet32", "wrn28_10"})
ALL_METHODS = frozenset({"lenet", "lenet_8x8"})
"""Networks whose parity is checked for all methods, not for one of each family."""
FEW_METHODS = {"wrn28_10": ["baseline", "random", "l2rw"]}
"""Methods of networks whose steps take seconds in float64 on a CPU."""


def rows(kind: str, models: Sequence[str], device: torch.device) -> Iterator[Row]:
    """Return the rows of a kind of check, network by network, as they come."""
    if kind == "machine":
        yield from machine(device)
        return
    check = {
        "parity": parity,
        "resume": resume,
        "bench": bench,
        "throughput": throughput,
        "compiled": compiled,
    }[kind]
    for model in models:
        yield from check(model, device)


def machine(device: torch.device) -> Iterator[Row]:
    """Say what this machine is."""
    facts = {
        "device": str(device_facts(device)["device"]),
        "CPU threads": str(os.cpu_count()),
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "memory": f"{properties.total_memory / 2**30:.0f} GiB",
            "multiprocessors": str(properties.multi_processor_count),
            "driver": _driver(),
            "CUDA": str(torch.version.cuda),
            "cuDNN": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
        }
    for fact, value in facts.items():
        yield Row({"fact": fact, "value": value})


def _driver() -> str:
    """Return the driver's version, as nvidia-smi tells it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return ", ".join(sorted(set(told.stdout.split())))


def parity(model: str, device: torch.device) -> Iterator[Row]:
    """Compare training in float32 on the device with float64 on the CPU, method by method."""
    methods, steps, batch_size = FEW_METHODS.get(model, methods_of(model)), 20, 8
    if model not in ALL_METHODS:
        methods = one_of_each_family(methods)
    if model in LARGE:  # where a step in float64 takes long on a CPU
        steps, batch_size = (10, 8) if model == "resnet32" else (2, 4)
    for method in methods:
        trial = Trial(model, method, batch_size, dropout=False)
        yield attempt({"model": model, "method": method}, partial(_parity, trial, steps, device))


def _parity(trial: Trial, steps: int, device: torch.device) -> Row:
    """Return the row of the first draw that passes, else of the last."""
    for draw in range(DRAWS):
        row = _compared(replace(trial, seed=trial.seed + draw), steps, device)
        if row.ok:
            break
    return row


def _compared(trial: Trial, steps: int, device: torch.device) -> Row:
    ours, theirs = trial.training(device), trial.training(CPU, DoubleNetwork)
    start = copy_of(theirs.state.parameters)
    state, reference = advance(ours, 1), advance(theirs, 1)
    first = {
        "weights": difference(_weights(state), _weights(reference)),
        "gradient": difference(state.velocity, reference.velocity),
        "parameters": difference(state.parameters, reference.parameters),
        "running statistics": difference(state.buffers, _floating(reference.buffers)),
    }
    end, reference = advance(ours, steps), advance(theirs, steps)
    last = difference(end.parameters, reference.parameters, start)
    # Written so that NaN is not OK.
    limit = FIRST_STEP_IF_LARGE if trial.model in LARGE else FIRST_STEP
    ok = all(apart <= limit for apart in first.values()) and last <= LAST_STEP
    cells = {"draw": str(trial.seed)}
    cells |= {f"{name}, step 1": f"{apart:.1e}" for name, apart in first.items()}
    cells |= {"steps": str(steps), "parameters, last step": f"{last:.1e}"}
    return Row(cells | {"verdict": "OK" if ok else "differs"}, ok)


def resume(model: str, device: torch.device) -> Iterator[Row]:
    """Train L2RW again, with an interruption, and beside others: bit for bit the same?"""
    trial = Trial(model, "l2rw", batch_size=4)
    # First, because cuBLAS must know before it starts.
    for mode in ("deterministic", "default"):
        if mode == "default":
            torch.use_deterministic_algorithms(False)
        else:
            set_up_torch("float32", torch.get_num_threads(), deterministic=True)
        judged = mode == "deterministic" or device.type == "cpu"
        named = {"model": model, "mode": mode}
        yield attempt(named, partial(_resume, trial, device, judged=judged))


def _resume(trial: Trial, device: torch.device, *, judged: bool) -> Row:
    middle, end = 3, 6
    reference = _all_of(advance(trial.training(device), end))
    again = _all_of(advance(trial.training(device), end))
    interrupted, resumed = trial.training(device), trial.training(device)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint.safetensors"
        advance(interrupted, middle).save(checkpoint, "gpu-check")
        resumed.state.restore(checkpoint, "gpu-check")
    after = _all_of(advance(resumed, end))
    pairs = {"run again": (again, reference), "resumed": (after, reference)}
    if device.type == "cuda" and trial.model not in FILLS_A_GPU:  # on a CPU runs do not overlap
        pairs["in company"] = _together(trial, COMPANY, device), _together(trial, 1, device)
    same = {
        name: all(torch.equal(tensors[key], expected[key]) for key in expected)
        for name, (tensors, expected) in pairs.items()
    }
    cells = {
        name: "equal" if same[name] else f"{difference(*pair):.1e}" for name, pair in pairs.items()
    }
    equal = all(same.values())
    verdict = "OK" if equal else "differs" if judged else "differs, as it may"
    return Row(cells | {"verdict": verdict}, equal or not judged)


def _together(trial: Trial, count: int, device: torch.device) -> dict[str, Tensor]:
    """Train runs of several seeds at the same time; return all that training changes of the first.

    On a GPU a block of steps of each is under way before any is waited for.
    """
    runs = [replace(trial, seed=trial.seed + place).training(device) for place in range(count)]
    each = [turns(run, device) for run in runs]
    while any(run.state.step < BLOCK for run in runs):
        for run, turn in zip(runs, each, strict=True):
            if run.state.step < BLOCK:
                next(turn)
    wait_for(device)
    return _all_of(runs[0].state)


def compiled(model: str, device: torch.device) -> Iterator[Row]:
    """Compare L2RW's compiled steps with eager ones. That nothing compiles is told, not judged."""
    from torch._dynamo.utils import counters

    steps = 4  # graphs replay by then
    trial = Trial(model, "l2rw", batch_size=4, dropout=False)
    eager = trial.training(device)
    start = copy_of(eager.state.parameters)
    weights, gradient = _weights(advance(eager, 1)), copy_of(eager.state.velocity)
    parameters = copy_of(advance(eager, steps).parameters)
    counters.clear()
    began = time.perf_counter()
    with _compiler(device):
        ours = trial.training(device, compiled=True)
    cells, ok = {"model": model}, True
    try:
        state = advance(ours, 1)
        first = {
            "weights": difference(_weights(state), weights),
            "gradient": difference(state.velocity, gradient),
        }
        last = difference(advance(ours, steps).parameters, parameters, start)
    except Exception as error:
        traceback.print_exc()
        verdict = f"fails: {told(error)}"
    else:
        ok = all(apart <= FIRST_STEP_IF_LARGE for apart in first.values()) and last <= LAST_STEP
        cells |= {f"{name}, step 1": f"{apart:.1e}" for name, apart in first.items()}
        cells |= {f"parameters, step {steps}": f"{last:.1e}"}
        verdict = "OK" if ok else "differs"
    graphs = counters["stats"]["unique_graphs"]
    breaks = sum(counters["graph_break"].values())
    if verdict == "OK" and (breaks or not graphs):
        verdict = "right, but not one graph"
    seconds = time.perf_counter() - began
    cells |= {"graphs": str(graphs), "graph breaks": str(breaks), "seconds": f"{seconds:.0f}"}
    yield Row(cells | {"verdict": verdict}, ok)


def _compiler(device: torch.device) -> AbstractContextManager[object]:
    """On a CPU, trace but generate no code: that takes minutes there, and a C++ compiler."""
    if device.type != "cpu":
        return nullcontext()
    tracing = partial(torch.compile, backend="aot_eager")
    return patch.object(torch, "compile", tracing)


def _weights(state: State) -> dict[str, Tensor]:
    return {"received": state.weight_tracker.sums.clone()}


def _all_of(state: State) -> dict[str, Tensor]:
    """Return copies of all that training changes."""
    velocity = {f"velocity of {name}": v for name, v in state.velocity.items()}
    return copy_of({**state.parameters, **state.buffers, **velocity, **_weights(state)})


def _floating(buffers: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the counts of batches: they are large, and right."""
    return {name: buffer for name, buffer in buffers.items() if buffer.is_floating_point()}
