"""Find what a training step of every network costs, and write ``costs.csv``."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from l2rw.bench.gradient_algorithms import GRADIENT_ALGORITHMS
from l2rw.bench.workload import Workload, random_examples
from l2rw.models import COSTS, MODELS, Cost
from l2rw.planning.hours import SGD
from l2rw.store.errors import UserError, closest
from l2rw.store.files import write_csv
from l2rw.training.device import peak_mib
from l2rw.training.spec import FORWARD_MODE, LAYER_WISE

BATCH = 100  # training and clean examples whose memory is measured


def count_operations(model: str) -> tuple[int, int, int]:
    """Count floating-point operations for each example: SGD, L2RW's training and clean examples.

    Nothing is computed: tensors have shapes but no memory.
    """
    device = torch.device("meta")
    workload = Workload(model, "float32", 1, device, channels_last=True)

    def count(way: str, batch_size: int, clean_batch_size: int) -> int:
        examples = random_examples(model, 1, batch_size, clean_batch_size, device)
        return workload.flops(GRADIENT_ALGORITHMS[way], examples)

    l2rw = _algorithm(workload)
    one, more_clean = count(l2rw, 1, 1), count(l2rw, 1, 2)
    return count(SGD, 1, 1), count(l2rw, 2, 1) - one, more_clean - one


def _algorithm(workload: Workload) -> str:
    return LAYER_WISE if workload.examples_are_independent else FORWARD_MODE


def measure_memory(model: str) -> float:
    """Measure the most memory of a step of L2RW on the CPU for each of its examples, in MiB.

    A process of its own starts for it: what a process has used at most never falls.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_peak_mib, model).result() / (2 * BATCH)


def _peak_mib(model: str) -> float:
    device = torch.device("cpu")
    workload = Workload(model, "float32", 1, device, channels_last=True)
    before = peak_mib()
    gradient = GRADIENT_ALGORITHMS[_algorithm(workload)]
    workload.step(gradient, random_examples(model, 1, BATCH, BATCH, device))
    return peak_mib() - before


def cost_of(model: str) -> Cost:
    """Find what a step of a network costs, within a minute on a CPU."""
    return Cost(*count_operations(model), mib=float(f"{measure_memory(model):.2g}"))


def print_costs(models: Iterable[str]) -> None:
    """Print the costs of networks as their records contain them.

    Raises:
        UserError: There is no such network.
    """
    for model in models:
        if model not in MODELS:
            raise UserError(f"There is no network {model!r}.", closest(model, MODELS))
        print(f"{model}: {cost_of(model)}", flush=True)


def write_costs() -> None:
    """Write the costs of all networks of this package: minutes on a CPU."""
    lines = [["model", *Cost._fields]]
    for model in MODELS.built_in:
        *operations, mib = cost_of(model)
        lines.append([model, *map(str, operations), f"{mib:g}"])
        print(*lines[-1])
    write_csv(Path(str(COSTS)), lines[0], lines[1:])
