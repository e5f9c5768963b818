"""The device that is measured: its clock, its memory, its peak."""

import time
from collections.abc import Callable

import torch

PEAK_MATMUL = 8192  # rows and columns; large enough for any GPU to reach its peak


def milliseconds(run: Callable[[], None], device: torch.device) -> float:
    """Time a function until the device is done with it."""
    if device.type != "cuda":
        start = time.perf_counter()
        run()
        return 1e3 * (time.perf_counter() - start)
    begin = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    torch.cuda.synchronize(device)
    begin.record()
    run()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end))


def peak_bytes(run: Callable[[], None], device: torch.device) -> int:
    """Return how many bytes a function allocates at most on a CUDA device, beside what is there.

    What a compiled function keeps for its graphs is there already and does not count.
    """
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    run()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def matmul_flops_per_second(
    device: torch.device, precision: str, size: int = PEAK_MATMUL, rounds: int = 50
) -> float:
    """Measure the device's peak: the best of some products of two square matrices."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def product() -> None:
        left @ right

    times = [milliseconds(product, device) for _ in range(rounds)]
    return 2 * size**3 / (1e-3 * min(times))
