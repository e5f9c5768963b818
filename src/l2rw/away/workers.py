"""Processes that train jobs for ``l2rw run-for``."""

import multiprocessing
import os
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from l2rw.away.jobs import PlannedJob
from l2rw.training.gpus import VISIBLE
from l2rw.training.outcome import Outcome
from l2rw.training.serving import BUSY, STOP, TAKEN, Server, send_job, set_up_process

if TYPE_CHECKING:
    from l2rw.training.job import Job

CONTEXT = multiprocessing.get_context("spawn")  # CUDA does not survive a fork


class Worker:
    """A process that trains jobs; started with the first, and again after it has ended."""

    def __init__(self, gpu: str | None, room: int = 1) -> None:
        """Prepare.

        Args:
            gpu: UUID of the GPU to use; None to leave the choice to PyTorch.
            room: Jobs that it trains at the same time.
        """
        self._gpu, self._room = gpu, room
        self._processes: list[multiprocessing.process.BaseProcess] = []
        """All that were started, the one of now last."""
        self._idle: list[Connection] = []
        self.jobs: dict[Connection, PlannedJob] = {}
        """What it trains now, by the connection that will tell how it ends."""
        self._full = False

    @property
    def has_room(self) -> bool:
        """Whether it can take another job."""
        return not self._full and len(self.jobs) < self._room

    def give(self, job: PlannedJob) -> None:
        """Let it train a job."""
        if not self._idle and not self.jobs:
            self._start()
        connection = self._idle.pop()
        self.jobs[connection] = job
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log, suppress(OSError):  # it has died: `hear` will say so
            send_job(connection, _as_sent(job), log.fileno())

    def hear(self, connection: Connection) -> Outcome | None:
        """Return how the job of a connection that is ready ended, if that is what it says.

        ``busy`` is the outcome of a job that cannot be trained beside those that are.
        """
        try:
            said = connection.recv()
        except (EOFError, OSError):
            self._processes[-1].join()
            code = self._processes[-1].exitcode
            said = Outcome("died", f"its process ended with exit code {code}.")
        if said == TAKEN:
            return None
        del self.jobs[connection]
        self._full = said == BUSY
        if said == BUSY:
            said = Outcome("busy")
        outcome: Outcome = said
        if outcome.breaks_process:
            connection.close()
            for idle in self._idle:
                idle.close()
            self._idle = []
        else:
            self._idle.append(connection)
        return outcome

    def stop(self) -> None:
        """Ask it to end its jobs, each with a checkpoint."""
        for connection in self.jobs:
            with suppress(OSError):
                connection.send(STOP)

    def end(self) -> None:
        """End its processes, whatever they do."""
        for process in self._processes:
            if process.is_alive():
                process.kill()
                process.join(1)  # a GPU's driver may take a moment to let go of it
        for connection in [*self._idle, *self.jobs]:
            connection.close()
        self._idle, self.jobs = [], {}

    def _start(self) -> None:
        pipes = [CONTEXT.Pipe() for _ in range(self._room)]
        theirs = [pipe[1] for pipe in pipes]
        self._processes.append(CONTEXT.Process(target=work, args=(theirs, self._gpu)))
        self._processes[-1].start()
        for connection in theirs:
            connection.close()
        self._idle = [pipe[0] for pipe in pipes]


def _as_sent(job: PlannedJob) -> "Job":
    from l2rw.training.job import Job

    return Job(
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


def work(connections: list[Connection], gpu: str | None) -> None:
    """Train jobs as they come, until nobody sends any."""
    set_up_process()
    if gpu is not None:
        os.environ[VISIBLE] = gpu
    Server(None, *connections).serve()
