"""The device that is measured: its precision, its clock, its memory, its peak."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from l2rw.errors import UserError

# Forward-mode differentiation makes PyTorch load decompositions that use its own deprecated code.
warnings.filterwarnings("ignore", message=r"`torch\.jit\.script` is deprecated")

PRECISIONS = ("float32", "tf32", "bf16")
PEAK_MATMUL = 8192  # rows and columns; large enough for any GPU to reach its peak


def find_device(name: str) -> torch.device:
    """Return the device called ``auto``, ``cpu`` or ``cuda``; ``auto`` takes a GPU if it can."""
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise UserError("PyTorch sees no CUDA device.", "use --device cpu or auto.")
    return torch.device("cuda" if cuda and name != "cpu" else "cpu")


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 for a while; PyTorch's default differs between layers."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = allowed
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


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
