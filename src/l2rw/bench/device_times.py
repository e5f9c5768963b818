"""How long steps take on a device: the tables of times of `l2rw gpu-check`."""

from collections.abc import Iterator
from itertools import product

import torch

from l2rw.bench.check_rows import Row, failed
from l2rw.bench.machine import matmul_flops_per_second
from l2rw.bench.measure import measure
from l2rw.bench.settings import Settings
from l2rw.bench.throughput import METHODS, steps_per_second, ways
from l2rw.bench.trial import Trial
from l2rw.training.device import set_up_torch


def bench(model: str, device: torch.device) -> Iterator[Row]:
    """Time a step by every way of weighting, in the precisions that suit the network."""
    by_model = {"resnet32": ["float32", "tf32", "bf16"], "wrn28_10": ["float32", "bf16"]}
    rounds = 3 if model.endswith("_8x8") else 5 if model == "wrn28_10" else 10
    for precision in by_model.get(model, ["float32"]):
        named = {"model": model, "precision": precision}
        try:
            yield from _bench(named, rounds, device)
        except Exception as error:
            yield failed(named, error)


def throughput(model: str, device: torch.device) -> Iterator[Row]:
    """Count the steps of the training loop, eager and captured, alone and in company."""
    set_up_torch("tf32" if device.type == "cuda" else "float32", torch.get_num_threads())
    small = model.endswith("_8x8")
    eager: dict[str, float] = {}
    # Compiled last: it may take longer than there is time.
    for way, method in product(ways(device), METHODS):
        trial = Trial(model, method, batch_size=8 if small else 100)
        named = {"model": model, "method": method, "way": way.name}
        try:
            rate = steps_per_second(trial, way, device, 40 if small else 400)
        except Exception as error:
            yield failed(named, error)
            continue
        ratio = rate / eager.setdefault(method, rate)
        cells = {"steps/s": f"{rate:.0f}", "ms/step": f"{1000 / rate:.2f}"}
        yield Row(named | cells | {"to eager": f"{ratio:.2f}"})


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
