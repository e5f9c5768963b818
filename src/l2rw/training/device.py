"""The device to train on, and what PyTorch keeps for the whole process."""

import ctypes
import os
import platform
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from l2rw.store.errors import UserError

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # as in malloc.h

PRECISIONS = ("float32", "tf32", "bf16")


def choose_device(name: str) -> torch.device:
    """Return the device called ``auto``, ``cpu`` or ``cuda``; ``auto`` takes a GPU if it can."""
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise UserError(
            "PyTorch finds no CUDA device on this machine.",
            "set compute.device (or --device) to auto or cpu; see `make doctor`.",
        )
    return torch.device("cuda" if cuda and name != "cpu" else "cpu")


def set_up_torch(precision: str, threads: int, *, deterministic: bool = False) -> None:
    """Set precision (one of :data:`PRECISIONS`), CPU threads and determinism of the process."""
    torch.set_num_threads(threads)
    _keep_freed_memory()
    tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    # The fastest algorithm for each shape is found by trying: not the same one every time.
    torch.backends.cudnn.benchmark = not deterministic
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS asks for
        torch.use_deterministic_algorithms(True)


def device_facts(device: torch.device) -> dict[str, Any]:
    """Name the device, its threads and the peak memory in MiB that this process has used."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        peak = torch.cuda.max_memory_allocated(device) / 2**20
    else:
        name = _processor()
        peak = peak_mib()
    return {
        "device": name,
        "device_type": device.type,
        "threads": torch.get_num_threads(),
        "peak_mib": round(peak),
    }


def peak_mib() -> float:
    """Return the most main memory that this process has used since :func:`reset_peak`, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what a parent used before the process began
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(encoding="utf-8"), re.MULTILINE)
        if peak is not None:
            return int(peak[1]) / 2**10
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def reset_peak() -> None:
    """Forget what the process has used at most, on a GPU or, under Linux, of main memory."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _processor() -> str:
    """Name the processor; Linux keeps its name where :mod:`platform` does not look."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _keep_freed_memory() -> None:
    """Let glibc keep what a step frees for the next, instead of asking the kernel again.

    Tangents double a step's large temporary arrays; without this, fresh pages cost forward mode a
    tenth of its time on the CPU. No other C library is asked.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 2**25)  # the largest that glibc accepts
        mallopt(M_TRIM_THRESHOLD, 2**30)
        mallopt(M_TOP_PAD, 2**26)
