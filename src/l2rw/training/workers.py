"""Workers of a workflow on this machine: jobs hand their training to them.

Snakemake starts a process for each job, and each would import PyTorch, and on a GPU run beside the
others without sharing it well. So the process of a job asks a worker to train, passes on requests
to stop, and ends with the worker's outcome. The workflow's view stays the same: one job with its
log, its files, its exit code. The first job that needs a worker starts it, and it ends when it has
had no job for a while. If it dies, its jobs fail; run again, they continue from checkpoints.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from l2rw.store.ending import handling
from l2rw.training.outcome import Outcome
from l2rw.training.serving import STOP, TAKEN, Server, send_job, set_up_process

LEADER = "L2RW_WORKERS"
"""Names the workflow whose jobs share workers, by its process; unset where they do not."""
START_SECONDS = 60.0
IDLE_SECONDS = 20.0
"""How long a worker waits for the next job."""


def are_shared() -> bool:
    """Whether jobs of this process's workflow hand their training to workers."""
    return LEADER in os.environ


def train_by_worker(job: Any, gpu: str | None) -> Outcome | None:
    """Let a worker train a job; None if none can.

    Args:
        job: A :class:`~l2rw.training.job.Job`; what it says goes to standard error.
        gpu: The GPU whose slot this process holds, if any. Without one, a worker trains one job
            at a time.
    """
    with _place(gpu) as address:
        for _ in range(3):  # a worker may end at the moment when it is called
            with suppress(EOFError, OSError), _connect(address) as connection:
                send_job(connection, job, sys.stderr.fileno())
                return _await(connection) if connection.recv() == TAKEN else None
    return None


def _await(connection: Connection) -> Outcome:
    """Wait for the outcome; pass on that this process is to end."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if not asked:
            connection.send(STOP)
        asked.append(number)

    try:
        with handling(ask, signal.SIGTERM, signal.SIGINT):
            while not connection.poll(1.0):
                pass
            outcome: Outcome = connection.recv()
    except (EOFError, OSError):
        return Outcome("died", "The worker that trained this job died; run it again to continue.")
    if outcome.kind == "stopped":
        sys.exit(128 + (asked[0] if asked else signal.SIGTERM))
    return outcome


def folder() -> Path:
    """Return the folder of this user's workers on this machine."""
    path = Path(tempfile.gettempdir(), f"l2rw-workers-{os.getuid()}")
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@contextmanager
def _place(gpu: str | None) -> Iterator[Path]:
    """Yield the address of a worker that is free for a job of this process."""
    from filelock import FileLock, Timeout

    leader = os.environ[LEADER]
    if gpu is not None:  # its slots are counted by who holds them
        yield folder() / f"{leader}-{gpu}"
        return
    for number in count():
        address = folder() / f"{leader}-{number}"
        with suppress(Timeout), FileLock(f"{address}.lock", blocking=False):
            yield address
            return


def _connect(address: Path) -> Connection:
    """Connect with a worker, and start it if there is none."""
    from filelock import FileLock

    give_up = time.monotonic() + START_SECONDS
    with FileLock(folder() / "starting.lock"):
        process = None
        while time.monotonic() < give_up:
            with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
                client.connect(str(address))
                return Connection(client.detach())
            if process is None or process.poll() is not None:
                process = _start(address)
            time.sleep(0.02)
    raise TimeoutError(f"no worker at {address}")


def _start(address: Path) -> "subprocess.Popen[bytes]":
    # In a session of its own: signals to this process's group are not for it.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "l2rw.training.workers", str(address), str(IDLE_SECONDS)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def main(address: str, idle_seconds: str) -> None:
    """Be a worker."""
    set_up_process()
    place = Path(address)
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        try:
            Server(listener, idle_seconds=float(idle_seconds)).serve()
        finally:
            place.unlink(missing_ok=True)
            # If a job holds it now, another may come to the same worker, which trains both.
            Path(f"{address}.lock").unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
