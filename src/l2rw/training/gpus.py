"""One GPU for each job: where several jobs share a machine, locks divide its GPUs.

Snakemake counts GPUs but does not say which one is whose. A slot is a place for a job on a GPU,
held by locking a file: the kernel releases the lock when the job ends, for any reason.
"""

import logging
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
POLL_SECONDS = 0.5


def visible_gpus() -> list[str]:
    """Return the UUIDs of the NVIDIA GPUs that this process may use, in order.

    All that ``nvidia-smi`` lists, or those of them that ``CUDA_VISIBLE_DEVICES`` names by index or
    UUID, as a scheduler sets it.
    """
    query = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    there = listed.stdout.split()
    if VISIBLE not in os.environ:
        return there
    named = (name.strip() for name in os.environ[VISIBLE].split(","))
    return [uuid for name in named for uuid in _called(name, there)]


def count_slots(jobs_per_gpu: int) -> int:
    """Return how many jobs the GPUs of this machine can take at the same time."""
    return len(visible_gpus()) * jobs_per_gpu


@contextmanager
def gpu_slot(jobs_per_gpu: int) -> Iterator[str | None]:
    """Hold a GPU slot, the only device that CUDA shows meanwhile; wait for one while all are taken.

    Enter it before CUDA is initialised, because CUDA reads its environment only once.

    Args:
        jobs_per_gpu: Slots of each GPU. GPUs fill up evenly.

    Yields:
        The GPU's UUID; None where there is no GPU, and nothing to hold.
    """
    gpus = visible_gpus()
    if not gpus:
        yield None
        return
    gpu, lock = _take([(gpu, slot) for slot in range(jobs_per_gpu) for gpu in gpus])
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = gpu
    try:
        yield gpu
    finally:
        lock.release()
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def _take(slots: list[tuple[str, int]]) -> tuple[str, "FileLock"]:
    """Lock the first slot that is free, as soon as one is."""
    # Imported here: `l2rw run-for` asks for the GPUs where this package may be absent.
    from filelock import FileLock, Timeout

    # On a local disk: the GPUs are this machine's, and locks on network disks may fail.
    folder = Path(tempfile.gettempdir(), f"l2rw-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    waiting = False
    while True:
        for gpu, slot in slots:
            lock = FileLock(folder / f"{gpu}-{slot}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            log.info("on GPU %s, slot %d", gpu, slot)
            return gpu, lock
        if not waiting:
            log.info("waiting for a GPU: all %d slots in %s are taken", len(slots), folder)
            waiting = True
        time.sleep(POLL_SECONDS * random.uniform(0.5, 1.5))


def _called(name: str, there: list[str]) -> list[str]:
    """Return the GPU with an index or (the beginning of) a UUID; parts of one (MIG) as they are."""
    if name.isdecimal():
        return there[int(name) : int(name) + 1]
    if name.startswith("MIG-"):
        return [name]
    return [gpu for gpu in there if name and gpu.startswith(name)]
