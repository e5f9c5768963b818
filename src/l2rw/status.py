"""Which training jobs run now, from what they write."""

import json
import time
from pathlib import Path

from l2rw.training.progress import Status, format_seconds

SILENT_AFTER = 120.0  # seconds without news after which a job is taken to have died


def read_status(logs: Path) -> list[Status]:
    """Read the status files below a folder, those with the longest way to go first."""
    jobs = [Status(**json.loads(path.read_text())) for path in logs.rglob("*.status.json")]
    return sorted(jobs, key=lambda job: -job.seconds_left)


def describe(job: Status, now: float) -> str:
    """Say in a line how far a job is, or since when it has been silent."""
    if now - job.updated > SILENT_AFTER:
        progress = f"silent for {format_seconds(now - job.updated)}"
    else:
        left = max(0.0, job.seconds_left - (now - job.updated))
        progress = f"{job.steps_per_second:.1f} steps/s  ETA {format_seconds(left)}"
    return f"{job.step / job.steps:4.0%}  {progress:28}  {job.job}  ({job.host}, pid {job.pid})"


def print_status(logs: Path) -> None:
    """Print a line for each running job."""
    jobs = read_status(logs)
    for job in jobs:
        print(describe(job, time.time()))
    print(f"{len(jobs) or 'No'} training job{'' if len(jobs) == 1 else 's'} running.")
