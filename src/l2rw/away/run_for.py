"""Training for limited time: give jobs to workers, stop them in time, tell what was done."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType

from l2rw.away.checkpoints import steps_kept
from l2rw.away.inputs import Inputs
from l2rw.away.jobs import PlannedJob, Queue
from l2rw.away.packing import Bundle, Limits, pack
from l2rw.away.workers import Worker
from l2rw.store.checksums import read_result
from l2rw.store.errors import UserError
from l2rw.store.paths import RESULT
from l2rw.training.gpus import visible_gpus
from l2rw.training.outcome import Outcome
from l2rw.training.progress import format_seconds
from l2rw.training.status import describe, read_one

LEAST_SECONDS = 5.0
"""No job starts when less time is left."""
TELL_SECONDS = 30.0
ASK_SECONDS = 0.5
"""How often workers are asked to stop: what a job does before it trains does not hear it."""


@dataclass(frozen=True)
class Deadline:
    """When the command has to have ended, and what has to be over before, by the monotonic clock.

    The margin before the end belongs to checkpoints in its first half, to packing in its second.
    """

    end: float
    margin: float

    @classmethod
    def after(cls, seconds: float, margin: float) -> "Deadline":
        """Return the deadline of a command that starts now.

        Raises:
            UserError: The margin leaves no time to train.
        """
        if margin < 0 or seconds - margin < LEAST_SECONDS:
            raise UserError(
                f"A margin of {margin:g} s leaves no time to train in {seconds:g} s.",
                "give more MINUTES or another --margin.",
            )
        return cls(time.monotonic() + seconds, margin)

    def brought_forward(self) -> "Deadline":
        """Return the deadline with its margin beginning now, unless it has begun."""
        return replace(self, end=min(self.end, time.monotonic() + self.margin))

    @property
    def stop(self) -> float:
        """When jobs are asked to stop."""
        return self.end - self.margin

    @property
    def kill(self) -> float:
        """When those that have not stopped are killed."""
        return self.end - self.margin / 2


class RunFor:
    """One call of ``l2rw run-for``."""

    def __init__(
        self, jobs: Sequence[PlannedJob], inputs: Inputs, deadline: Deadline, workers: int
    ) -> None:
        """Args: ``jobs`` are to be trained, in this order, as many at a time as ``workers``."""
        self._jobs, self._inputs, self._deadline = jobs, inputs, deadline
        self._queue = Queue(jobs)
        self._before = set(self._queue.done)
        cpu = all(job.compute.device == "cpu" for job in jobs)
        gpus = [] if cpu else visible_gpus()
        count = min(workers, len(self._queue.waiting))
        # A GPU's jobs share a process, which shares it better than several would.
        self._workers = [
            Worker(gpu, -(-(count - n) // len(gpus))) for n, gpu in enumerate(gpus[:count])
        ] or [Worker(None) for _ in range(count)]
        self._started: dict[PlannedJob, tuple[float, int]] = {}
        """When jobs were started, and the steps that their checkpoints had then."""
        self._stopping = False
        self._told = time.monotonic()

    @property
    def failures(self) -> dict[PlannedJob, str]:
        """Why jobs failed."""
        return self._queue.failures

    def train(self) -> None:
        """Train until all is done or the time is over; Ctrl-C and SIGTERM end it earlier."""
        waiting = len(self._queue.waiting)
        left = self._deadline.stop - time.monotonic()
        say(
            f"{waiting} jobs to train, {len(self._before)} done before, {format_seconds(left)} left"
        )
        try:
            with self._heeding_signals():
                self._give()
                while running := [worker for worker in self._workers if worker.jobs]:
                    self._wait(running)
                    self._give()
        finally:
            for worker in self._workers:
                worker.end()

    def pack(self, folder: Path, limits: Limits) -> None:
        """Pack what this call has trained, finished runs first, then checkpoints."""
        done = [job for job in self._started if job.is_done]
        bundles = [Bundle.of_run(job.out) for job in done]
        for job in self._started:
            if not job.is_done:
                bundles += [Bundle.of_checkpoint(path) for path in job.kept_checkpoints()]
        parts, left_out = pack(bundles, folder, limits, self._deadline.end - 1)
        size = sum(part.stat().st_size for part in parts)
        packed = len(bundles) - len(left_out)
        say(f"packed {packed} of {len(bundles)}: {len(parts)} files, {size / 2**20:.1f} MiB")
        for name, why in left_out.items():
            say(f"LEFT OUT of the pack: {name}: {why}")

    def report(self) -> None:
        """Print what is done, what was cut, and what failed."""
        cells = {job.id: job.results.name for job in self._jobs}
        wanted, done = Counter[str](), Counter[str]()
        for job in self._jobs:
            wanted[job.id] += len(job.seeds)
            done[job.id] += len(job.seeds) * job.is_done
        say("runs done / wanted")
        for cell, configuration in cells.items():
            print(f"  {done[cell]:3} / {wanted[cell]:3}  {configuration}  {cell}", flush=True)
        for job in self._started:
            if not job.is_done and job not in self.failures:
                say(f"cut: {job.name} {_kept(job)}")
        if self._queue.waiting:
            say(f"not started: {len(self._queue.waiting)} jobs")
        for job, why in self.failures.items():
            say(f"FAILED: {job.name}: {why}")

    def _give(self) -> None:
        """Give jobs to the workers that have none, while there is time."""
        for worker in self._workers:
            while worker.has_room and self._time_left() >= LEAST_SECONDS:
                job = self._queue.next()
                if job is None:
                    return
                try:
                    self._inputs.make(job)
                except Exception as error:
                    self._fail(job, str(error) or type(error).__name__)
                    continue
                had = steps_kept(job.kept_checkpoints())
                self._started[job] = time.monotonic(), sum(had.values())
                say(f"starts  {job.name}{' ' + _kept(job) if had else ''}")
                worker.give(job)

    def _time_left(self) -> float:
        return 0.0 if self._stopping else self._deadline.stop - time.monotonic()

    def _wait(self, running: list[Worker]) -> None:
        """Wait a moment, and see to what has happened."""
        now = time.monotonic()
        if now >= self._deadline.stop and not self._stopping:
            say("time is up: asks jobs to stop")
            self._stopping = True
        if self._stopping:
            for worker in running:
                worker.stop() if now < self._deadline.kill else self._kill(worker)
        elif now - self._told >= TELL_SECONDS:
            self._tell(running)
        patience = ASK_SECONDS if self._stopping else min(1.0, self._deadline.stop - now)
        connections = {connection: worker for worker in running for connection in worker.jobs}
        for ready in wait(list(connections), max(patience, 0.0)):
            assert isinstance(ready, Connection)
            job = connections[ready].jobs[ready]
            outcome = connections[ready].hear(ready)
            if outcome is not None:
                self._note(job, outcome)

    def _kill(self, worker: Worker) -> None:
        """End a worker that has not stopped in time: its last checkpoint is what is left."""
        jobs = list(worker.jobs.values())
        worker.end()
        for job in jobs:
            self._note(job, Outcome("died", "it did not stop in time"))

    def _note(self, job: PlannedJob, outcome: Outcome) -> None:
        started, had = self._started[job]
        took = time.monotonic() - started
        if outcome.kind == "done":
            self._queue.done.append(job)
            result = read_result(job.out / RESULT)
            errors = " ".join(f"{100 * run['test_error']:.2f} %" for run in result["runs"])
            stacks = -(-len(job.seeds) // result["made"]["stack"])
            rate = (stacks * job.cell.spec.steps - had) / max(took, 1e-9)
            say(f"done    {job.name}: error {errors}, {rate:.1f} steps/s, {format_seconds(took)}")
        elif outcome.kind == "busy":
            self._queue.waiting.insert(0, job)
        elif outcome.kind == "stopped" or (outcome.kind == "died" and self._stopping):
            say(f"stopped {job.name} {_kept(job)}")
        else:
            if outcome.trace:
                print(outcome.trace, flush=True)
            self._fail(job, outcome.why)

    def _fail(self, job: PlannedJob, why: str) -> None:
        say(f"FAILED  {job.name}: {why}")
        for skipped in self._queue.fail(job, why):
            say(f"skipped {skipped.name}: {self.failures[skipped]}")

    def _tell(self, running: list[Worker]) -> None:
        self._told = time.monotonic()
        jobs = [job for worker in running for job in worker.jobs.values()]
        say(
            f"{len(self._queue.done)} done, {len(jobs)} running, "
            f"{len(self._queue.waiting)} waiting, {len(self.failures)} failed; "
            f"{format_seconds(self._time_left())} left"
        )
        for job in jobs:
            status = read_one(job.status)
            if status:
                print(f"         {describe(status, time.time())}", flush=True)

    @contextmanager
    def _heeding_signals(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM for the deadline."""

        def stop(number: int, frame: FrameType | None) -> None:
            self._stopping = True
            self._deadline = self._deadline.brought_forward()

        before = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def say(text: str) -> None:
    """Print a line after the time of day, at once."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _kept(job: PlannedJob) -> str:
    """Say how far the checkpoints of a job are."""
    steps = steps_kept(job.kept_checkpoints())
    of = job.cell.spec.steps
    told = ", ".join(f"{stack} after step {step} of {of}" for stack, step in steps.items())
    return f"({told or 'no checkpoint'})"
