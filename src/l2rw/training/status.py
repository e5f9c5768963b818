"""Which training jobs are running, according to their status files."""

import contextlib
import os
import socket
import time
from pathlib import Path

from l2rw.store.files import read_json
from l2rw.training.progress import Status, format_seconds

SILENT_AFTER = 120.0  # seconds without news after which a job is taken to have died


def read_status(logs: Path) -> list[Status]:
    """Read the status files below a folder, those with the most time left first."""
    found = (read_one(path) for path in logs.rglob("*.status.json"))
    jobs = [job for job in found if job is not None]
    return sorted(jobs, key=lambda job: (job.seconds_left is not None, -(job.seconds_left or 0)))


def read_one(path: Path) -> Status | None:
    """Read a status file; None if the job has just ended, or the file is no longer whole."""
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
        return Status(**read_json(path))
    return None


def describe(job: Status, now: float) -> str:
    """Describe in one line how far a job is, or for how long it has been silent."""
    silent = now - job.updated
    if is_dead(job):
        progress = f"killed {format_seconds(silent)} ago or later"
    elif silent > SILENT_AFTER:
        progress = f"silent for {format_seconds(silent)}"
    else:
        left = None if job.seconds_left is None else max(0.0, job.seconds_left - silent)
        progress = f"{job.steps_per_second:.1f} steps/s  ETA {format_seconds(left)}"
    return f"{job.step / job.steps:4.0%}  {progress:28}  {job.job}  ({job.host}, pid {job.pid})"


def is_dead(job: Status) -> bool:
    """Whether the process that wrote a status is known to be gone: on this machine."""
    if job.host != socket.gethostname():
        return False
    try:
        os.kill(job.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # another user's
    return False


def print_status(logs: Path) -> None:
    """Print a line for each running job."""
    now = time.time()
    jobs = read_status(logs)
    for job in jobs:
        print(describe(job, now))
    running = sum(now - job.updated <= SILENT_AFTER and not is_dead(job) for job in jobs)
    silent = len(jobs) - running
    print(f"{running or 'No'} training job{'' if running == 1 else 's'} running", end="")
    print(f", {silent} silent or killed." if silent else ".")
