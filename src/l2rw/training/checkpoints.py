"""What happens between steps: progress reports, checkpoints, and the handling of SIGTERM."""

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from l2rw.store.ending import handling
from l2rw.store.files import leftovers
from l2rw.training.engine.state import State
from l2rw.training.progress import Progress

log = logging.getLogger(__name__)


class Checkpoints:
    """A rolling checkpoint of one stack of seeds, outside the outputs that a workflow declares."""

    def __init__(self, path: Path, fingerprint: str, interval: float) -> None:
        """Args: ``interval`` is the least time between two checkpoints, in seconds."""
        self.path, self._fingerprint, self._interval = path, fingerprint, interval
        self._begun = self._last = time.monotonic()
        self.seconds_before = 0.0
        """Seconds that earlier attempts took, up to the checkpoint that this one continues."""

    def resume(self, state: State) -> None:
        """Continue from the checkpoint, if there is one.

        Raises:
            UserError: It is damaged or belongs to another run.
        """
        if self.path.exists():
            state.restore(self.path, self._fingerprint)
            self.seconds_before = state.seconds
            log.info("%s: continues after step %d", self.path.stem, state.step)

    def keep(self, state: State, *, now: bool) -> None:
        """Write the checkpoint if ``now`` or if it is time to."""
        due = now or time.monotonic() - self._last >= self._interval
        if due and state.first_bad() is None:
            state.seconds = self.seconds_before + time.monotonic() - self._begun
            state.save(self.path, self._fingerprint)
            self._last = time.monotonic()

    def discard(self) -> None:
        """Remove the checkpoint: the results are written."""
        for path in (self.path, *leftovers(self.path)):
            path.unlink(missing_ok=True)


class Monitor:
    """Watches one stack of seeds; see :data:`l2rw.training.engine.loop.StepCallback`."""

    def __init__(
        self, steps: int, before: int, progress: Progress, checkpoints: Checkpoints, stop: "Stop"
    ) -> None:
        """Args: the stack has ``steps`` steps; the job's earlier stacks had ``before``."""
        self._steps, self._before, self._progress = steps, before, progress
        self._checkpoints, self._stop = checkpoints, stop

    def __call__(self, state: State) -> None:
        """Report progress, keep a checkpoint if it is time to, and stop if asked to.

        Raises:
            SystemExit: It was asked to stop, and the checkpoint is written.
        """
        self._progress(self._before + state.step, state.means)
        asked = self._stop.asked  # read once: a stop always follows a checkpoint of this step
        # A finished stack is kept too: the job may be killed while a later one trains.
        self._checkpoints.keep(state, now=asked or state.step == self._steps)
        if asked:
            raise SystemExit(128 + signal.SIGTERM)


class Stop:
    """Whether the process was asked to end."""

    asked = False


@contextmanager
def stop_on_sigterm() -> Iterator[Stop]:
    """Turn SIGTERM into a request, so that a step finishes and its checkpoint is written."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.asked = True

    with handling(ask, signal.SIGTERM):
        yield stop
