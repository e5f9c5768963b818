"""Several jobs in one process, which take turns.

PyTorch is imported once for all of them. On a GPU every job has a stream of its own: while the
host turns to one job, the GPU works on what it was given of the others. No job's numbers depend on
its company, and a job that fails fails alone.
"""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from l2rw.store.errors import UserError
from l2rw.training.checkpoints import Stop
from l2rw.training.job import Job
from l2rw.training.outcome import Outcome
from l2rw.training.train import blocks_of, device_of, forget_earlier_jobs


class Member:
    """A job of a fleet."""

    def __init__(self, job: Job, log: int) -> None:
        """Args: ``log`` is the descriptor of the file for what it says."""
        self.job, self._log, self.stop = job, log, Stop()
        self._blocks = blocks_of(job, self.stop)
        self._stream: Any = None

    def turn(self) -> Outcome | None:
        """Let it train for a moment; return how it ended, if it did."""
        with _output_to(self._log):
            try:
                with self._on_its_stream():
                    next(self._blocks)
            except StopIteration:
                return Outcome("done")
            except SystemExit:
                return Outcome("stopped")
            except UserError as error:
                print(f"Error: {error}", file=sys.stderr)
                return Outcome("failed", str(error))
            except Exception as error:
                trace = traceback.format_exc()
                print(trace, file=sys.stderr)
                first = str(error).strip().partition("\n")[0]
                return Outcome("failed", f"{type(error).__name__}: {first}", trace)
        return None

    def _on_its_stream(self) -> AbstractContextManager[Any]:
        import torch

        if device_of(self.job).type != "cuda":
            return nullcontext()
        if self._stream is None:
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        return torch.cuda.stream(self._stream)

    def close(self) -> None:
        """Release its resources."""
        self._blocks.close()
        os.close(self._log)


class Fleet:
    """Jobs that train in this process."""

    def __init__(self) -> None:
        """Start empty."""
        self.members: list[Member] = []

    def admits(self, job: Job) -> bool:
        """Whether a job may join: precision and the like are settings of the process."""
        settings = job.compute, job.spec.precision
        return all((m.job.compute, m.job.spec.precision) == settings for m in self.members)

    def join(self, job: Job, log: int) -> Member:
        """Add a job; see :class:`Member`."""
        if not self.members:
            forget_earlier_jobs()
        self.members.append(Member(job, log))
        return self.members[-1]

    def turns(self) -> Iterator[tuple[Member, Outcome]]:
        """Let every job train for a moment; yield those that ended, and how."""
        for member in list(self.members):
            outcome = member.turn()
            if outcome is not None:
                member.close()
                self.members.remove(member)
                yield member, outcome

    def stop(self) -> None:
        """Ask all jobs to end, each with a checkpoint."""
        for member in self.members:
            member.stop.asked = True


@contextmanager
def _output_to(log: int) -> Iterator[None]:
    """Send all that this process and its libraries say to an open file."""
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    kept = os.dup(1), os.dup(2)
    for number in (1, 2):
        os.dup2(log, number)
    try:
        yield
    finally:
        for stream in streams:
            stream.flush()
        for number, copy in enumerate(kept, start=1):
            os.dup2(copy, number)
            os.close(copy)
