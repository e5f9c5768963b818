"""Progress of long jobs: log lines, a bar on a terminal, a status file."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from l2rw.store.files import write_json

if TYPE_CHECKING:  # reading a status does not need PyTorch
    from l2rw.training.history import Means

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What a running job writes for ``l2rw status``."""

    job: str
    host: str
    pid: int
    step: int
    steps: int
    steps_per_second: float
    seconds_left: float | None
    """None while the speed is unknown."""
    updated: float
    """Seconds since the epoch."""


class Progress:
    """Reports training at most every ``interval`` seconds; a context manager."""

    def __init__(self, job: str, steps: int, status: Path | None, interval: float = 10.0) -> None:
        """Args: ``status`` is the file to keep up to date, removed at the end, if any."""
        self._job, self._steps, self._status, self._interval = job, steps, status, interval
        self._bar: Any = None
        self._first: int | None = None

    def __enter__(self) -> "Progress":
        self._started = self._last = time.monotonic()
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self._steps, desc=self._job, unit="step")
        else:
            log.info("%s: %d steps", self._job, self._steps)
        self._write(0, 0.0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.close()
        if self._status:
            self._status.unlink(missing_ok=True)

    def __call__(self, step: int, means: "Callable[[], list[Means]]") -> None:
        """Report if it is time to.

        Args:
            step: Steps done, of all that the job has.
            means: Called if it is time to; returns how training goes, by seed.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = step - 1  # where an interrupted job continues
        if now - self._last < self._interval and step < self._steps:
            return
        self._last = now
        rate = (step - self._first) / max(now - self._started, 1e-9)
        of_seed = means()
        loss = sum(m.train_loss for m in of_seed) / len(of_seed)
        error = sum(m.train_error for m in of_seed) / len(of_seed)
        if self._bar:
            self._bar.set_postfix(loss=f"{loss:.3f}", error=f"{error:.1%}", refresh=False)
            self._bar.update(step - self._bar.n)
        else:
            log.info(
                "%s: step %d/%d  loss %.3f  error %.1f %%  %.1f steps/s  ETA %s",
                *(self._job, step, self._steps, loss, 100 * error, rate),
                format_seconds((self._steps - step) / rate),
            )
        self._write(step, rate)

    def _write(self, step: int, rate: float) -> None:
        if not self._status:
            return
        left = (self._steps - step) / rate if rate else None
        status = Status(
            *(self._job, socket.gethostname(), os.getpid(), step, self._steps, rate, left),
            time.time(),
        )
        write_json(self._status, asdict(status))


def format_seconds(seconds: float | None) -> str:
    """Format a duration as 1:02:03, or as 2:03 below an hour; ``?`` if unknown."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
