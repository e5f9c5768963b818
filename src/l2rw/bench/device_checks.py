"""What `l2rw gpu-check` finds out about a network on a device: a row for each case."""

import os
import platform
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor

from l2rw.bench.machine import matmul_flops_per_second
from l2rw.bench.measure import measure
from l2rw.bench.settings import Settings
from l2rw.bench.throughput import METHODS, steps_per_second, ways
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
from l2rw.training.engine.state import State

FIRST_STEP, LAST_STEP = 1e-4, 0.1
"""Largest differences that pass after one step, relative to what is compared, and after all steps,
relative to how far the parameters have moved. The second is loose because rounding jumps where it
turns a ReLU, and training spreads that; a wrong rate or momentum still shows."""
FIRST_STEP_IF_LARGE = 5e-3
"""FIRST_STEP of networks with millions of ReLUs, of which rounding turns some in any step: float32
on a CPU puts the gradient of ResNet-32 1.2e-3 from that in float64."""
DRAWS = 3
"""Trials on images of their own before a network that is not large differs. A ReLU whose input lies
within rounding of zero turns in few of them, and then shifts the gradient of a network with few
ReLUs by half a percent; what is wrong shows in all."""
LARGE = frozenset({"resnet32", "wrn28_10"})
ALL_METHODS = frozenset({"lenet", "lenet_8x8", "resnet32"})
"""Networks whose parity is checked for all methods, not for one of each family."""


class Row(NamedTuple):
    """A line of a table."""

    cells: dict[str, str]
    """By the column's title."""
    ok: bool = True


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
    methods, steps, batch_size = methods_of(model), 20, 8
    if model not in ALL_METHODS:
        methods = one_of_each_family(methods)
    if model in LARGE:  # where a step in float64 takes long on a CPU
        steps, batch_size = (10, 8) if model == "resnet32" else (2, 4)
    for method in methods:
        trial = Trial(model, method, batch_size, dropout=False)
        yield _attempt({"model": model, "method": method}, partial(_parity, trial, steps, device))


def _parity(trial: Trial, steps: int, device: torch.device) -> Row:
    """Return the row of the first draw that passes, else of the last."""
    draws = 1 if trial.model in LARGE else DRAWS
    for draw in range(draws):
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
    """Train L2RW, train it again, and train it with an interruption: bit for bit the same?"""
    trial = Trial(model, "l2rw", batch_size=4)
    # First, because cuBLAS must know before it starts.
    for mode in ("deterministic", "default"):
        if mode == "default":
            torch.use_deterministic_algorithms(False)
        else:
            set_up_torch("float32", torch.get_num_threads(), deterministic=True)
        judged = mode == "deterministic" or device.type == "cpu"
        named = {"model": model, "mode": mode}
        yield _attempt(named, partial(_resume, trial, device, judged=judged))


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
    results = {"run again": again, "resumed": after}
    same = {
        name: all(torch.equal(tensors[key], reference[key]) for key in reference)
        for name, tensors in results.items()
    }
    cells = {
        name: "equal" if same[name] else f"{difference(tensors, reference):.1e}"
        for name, tensors in results.items()
    }
    equal = all(same.values())
    verdict = "OK" if equal else "differs" if judged else "differs, as it may"
    return Row(cells | {"verdict": verdict}, equal or not judged)


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
        verdict = f"fails: {_told(error)}"
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


def bench(model: str, device: torch.device) -> Iterator[Row]:
    """Time a step by every way of weighting, in the precisions that suit the network."""
    by_model = {"resnet32": ["float32", "tf32", "bf16"], "wrn28_10": ["float32", "bf16"]}
    rounds = 3 if model.endswith("_8x8") else 5 if model == "wrn28_10" else 10
    for precision in by_model.get(model, ["float32"]):
        named = {"model": model, "precision": precision}
        try:
            yield from _bench(named, rounds, device)
        except Exception as error:
            yield _failed(named, error)


def throughput(model: str, device: torch.device) -> Iterator[Row]:
    """Count the steps of the training loop, eager and captured, alone and in company."""
    set_up_torch("tf32" if device.type == "cuda" else "float32", torch.get_num_threads())
    small = model.endswith("_8x8")
    for method in METHODS:
        trial = Trial(model, method, batch_size=8 if small else 100)
        first = None
        for way in ways(device):
            named = {"model": model, "method": method, "way": way.name}
            try:
                rate = steps_per_second(trial, way, device, 40 if small else 400)
            except Exception as error:
                yield _failed(named, error)
                continue
            first = first or rate
            each = 1000 / rate
            cells = {"steps/s": f"{rate:.0f}", "ms/step": f"{each:.2f}"}
            yield Row(named | cells | {"to eager": f"{rate / first:.2f}"})


def _bench(named: dict[str, str], rounds: int, device: torch.device) -> Iterator[Row]:
    model, precision = named["model"], named["precision"]
    settings = Settings(
        models=[model],
        device=device.type,
        precision=precision,
        stack=1,
        threads=torch.get_num_threads(),
        batch_size=100,
        clean_batch_size=None,
        rounds=rounds,
        steps=1,
        compile=False,
        three_passes=False,
        peers=False,
        contiguous=False,
    )
    set_up_torch(precision, settings.threads)
    cuda = device.type == "cuda"
    peak = matmul_flops_per_second(device, precision) if cuda else None
    for row in measure(model, settings, device, peak):
        cells = named | {
            "way": row["way"],
            "ms/step": f"{row['ms']:.2f}",
            "IQR": f"{row['iqr_ms']:.2f}",
            "ratio to SGD": f"{row['ratio']:.2f}",
            "floor": f"{row['floor']:.2f}",
        }
        if peak is not None:
            cells |= {
                "peak MiB": f"{row['peak_mib']:.0f}",
                "matrix product, TFLOP/s": f"{peak / 1e12:.0f}",
                "share of it": f"{row['share_of_peak']:.1%}",
            }
        yield Row(cells)


def _weights(state: State) -> dict[str, Tensor]:
    return {"received": state.weight_tracker.sums.clone()}


def _all_of(state: State) -> dict[str, Tensor]:
    """Return copies of all that training changes."""
    velocity = {f"velocity of {name}": v for name, v in state.velocity.items()}
    return copy_of({**state.parameters, **state.buffers, **velocity, **_weights(state)})


def _floating(buffers: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the counts of batches: they are large, and right."""
    return {name: buffer for name, buffer in buffers.items() if buffer.is_floating_point()}


def _attempt(named: dict[str, str], case: Callable[[], Row]) -> Row:
    """Run a case; if it fails, say so and let the next one begin."""
    try:
        row = case()
    except Exception as error:
        return _failed(named, error)
    return Row(named | row.cells, row.ok)


def _failed(named: dict[str, str], error: Exception) -> Row:
    traceback.print_exc()
    return Row(named | {"verdict": f"fails: {_told(error)}"}, ok=False)


def _told(error: Exception) -> str:
    """Return an exception's kind and the beginning of its first line, fit for a table."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first[:100]}".replace("|", "/")
