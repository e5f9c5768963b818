"""Processes that train one job after the other, each importing PyTorch once."""

import logging
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from l2rw.away.jobs import PlannedJob
from l2rw.store.errors import UserError
from l2rw.training.gpus import VISIBLE

CONTEXT = multiprocessing.get_context("spawn")  # CUDA does not survive a fork


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    kind: str
    """``done``, ``stopped`` (to go on from its checkpoint), ``failed``, or ``died``."""
    why: str = ""
    """A sentence, where it failed or died."""
    trace: str = ""
    """The traceback of an error that nobody foresaw."""

    @property
    def ends_worker(self) -> bool:
        """Whether the worker ends with it; after an unforeseen error, its device may be broken."""
        return self.kind in ("stopped", "died") or bool(self.trace)


class Worker:
    """A process that trains jobs; started with the first, and again after it has ended."""

    def __init__(self, gpu: str | None) -> None:
        """Args: ``gpu`` is the UUID of the GPU to use; None to leave the choice to PyTorch."""
        self._gpu = gpu
        self._processes: list[multiprocessing.process.BaseProcess] = []
        """All that were started, the one of now last."""
        self.connection: Connection | None = None
        self.job: PlannedJob | None = None
        """What it trains now."""

    def give(self, job: PlannedJob) -> None:
        """Let it train a job."""
        if self.connection is None:
            self.connection, theirs = CONTEXT.Pipe()
            self._processes.append(CONTEXT.Process(target=work, args=(theirs, self._gpu)))
            self._processes[-1].start()
            theirs.close()
        self.job = job
        with suppress(OSError):  # it has died: `outcome` will say so
            self.connection.send(job)

    def outcome(self) -> Outcome:
        """Return how its job ended; to be called when :attr:`connection` is ready."""
        assert self.connection is not None
        self.job = None
        try:
            outcome: Outcome = self.connection.recv()
        except (EOFError, OSError):
            self._processes[-1].join()
            code = self._processes[-1].exitcode
            outcome = Outcome("died", f"its process ended with exit code {code}.")
        if outcome.ends_worker:
            self.connection.close()
            self.connection = None
        return outcome

    def stop(self) -> None:
        """Ask it to end, its job with a checkpoint; to be repeated until it has."""
        if self.job is not None:
            self._processes[-1].terminate()

    def end(self) -> None:
        """End its processes, whatever they do."""
        for process in self._processes:
            if process.is_alive():
                process.kill()
                process.join(1)  # a GPU's driver may take a moment to let go of it
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class _Asked:
    """Whether the process was asked to end."""

    to_stop = False


def work(connection: Connection, gpu: str | None) -> None:
    """Train jobs as they come, until nobody sends any, or asks to stop by SIGTERM."""
    asked = _Asked()

    def stop(number: int, frame: FrameType | None) -> None:
        asked.to_stop = True

    # Between jobs, and while results are written; a job that trains has a handler of its own.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives jobs
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("l2rw").setLevel(logging.INFO)
    if gpu is not None:
        os.environ[VISIBLE] = gpu
    outcome = Outcome("done")
    while not outcome.ends_worker:
        try:
            job: PlannedJob = connection.recv()
        except EOFError:
            return
        outcome = Outcome("stopped") if asked.to_stop else _train(job)
        try:
            connection.send(outcome)
        except OSError:
            return


def _train(job: PlannedJob) -> Outcome:
    with _output_to(job.log):
        try:
            from l2rw.training.job import Job, run_job

            _forget_earlier_jobs()
            run_job(
                Job(
                    cell=job.cell,
                    compute=job.compute,
                    seeds=job.seeds,
                    data=job.data,
                    splits=job.splits,
                    parents=job.networks,
                    out=job.out,
                    checkpoints=job.checkpoints,
                    status=job.status,
                )
            )
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
    return Outcome("done")


def _forget_earlier_jobs() -> None:
    """Give back a GPU's memory, and start to measure its peak, which results record, anew."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Append all that this process and its libraries say to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        for stream in streams:
            stream.flush()
        for number, copy in enumerate(kept, start=1):
            os.dup2(copy, number)
            os.close(copy)
