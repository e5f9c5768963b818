"""Snakemake as a process that stops in an orderly way when it is asked to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import FrameType

from l2rw.store.ending import Ended, handling
from l2rw.store.errors import UserError
from l2rw.store.files import is_writable, nearest

REPOSITORY = Path(__file__).parents[3]
CACHE = "snakemake/snakemake/source-cache/snakemake-runtime-cache"
"""Of Snakemake (9.27), below the folder of all caches."""
HERE = Path(".snakemake/caches")
"""Folder of all caches where the home folder cannot be written to."""
INSTALL = "install it with `pip install '.[pipeline]'` in a clone of the repository."
"""The hint where the pipeline, or a part of it, is not installed."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""That end it, unless they are ignored, as SIGHUP is under ``nohup``."""


def snakemake_command(options: Sequence[str]) -> list[str]:
    """Return the command that runs the workflow in this folder.

    Raises:
        UserError: There is no workflow here, nor in the repository of this package.
    """
    program = Path(sys.executable).with_name("snakemake")
    if not program.exists():
        raise UserError("Snakemake is not installed.", INSTALL)
    if Path("Snakefile").exists():
        return [str(program), *options]
    if not (REPOSITORY / "Snakefile").exists():
        raise UserError(
            "There is no Snakefile in this folder.", "run in a clone of the repository."
        )
    return [str(program), "--snakefile", str(REPOSITORY / "Snakefile"), *options]


def snakemake_environment() -> dict[str, str]:
    """Return the environment for Snakemake, whose caches lie here where they cannot lie at home."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111
    if is_writable(nearest(caches / CACHE)):
        return dict(os.environ)
    return os.environ | {"XDG_CACHE_HOME": str(HERE.absolute())}


def end_without_deadlock() -> None:
    """Let the Snakemake that this process is heed SIGTERM at any moment.

    Its handler (9.27) waits for a lock, which the thread that it interrupts may hold, as whenever
    a job has just ended. In a thread of its own it only waits until that thread goes on.
    """
    with suppress(ImportError, AttributeError):  # another version, with other inner workings
        from snakemake.scheduling.job_scheduler import JobScheduler

        handler = JobScheduler.exit_gracefully
        JobScheduler.exit_gracefully = lambda *given: Thread(target=handler, args=given).start()


@contextmanager
def running(command: Sequence[str]) -> Iterator["Running"]:
    """Run a command and hand over what it prints.

    It and its jobs are a process group of their own, which Ctrl-C on the terminal does not reach.
    SIGINT, SIGTERM and SIGHUP become SIGTERM for all of them: training jobs write their
    checkpoints, Snakemake waits for them and releases its lock. A second signal kills them. They
    end likewise when the reader of their output has closed it, as ``head`` does.

    Raises:
        Ended: After a signal, once the last of them has ended.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        env=snakemake_environment(),
    )
    run = Running(process)
    heeded = (
        number
        for number in SIGNALS
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    )
    with handling(run.end, *heeded), process:
        try:
            yield run
        except BaseException:
            run.end()
            for _ in run.lines():  # else it would end at its next line, and keep its lock
                pass
            raise
    if run.asked_to_end:
        raise Ended(128 + run.asked_to_end[0])


class Running:
    """A process group that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Args: ``process`` leads the group."""
        self._process = process
        self.asked_to_end: list[int] = []
        """By which signals."""

    def end(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Ask all of it to end; kill it if asked again."""
        self.asked_to_end.append(number)
        again = len(self.asked_to_end) > 1
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(self._process.pid, signal.SIGKILL if again else signal.SIGTERM)

    def lines(self) -> Iterator[str]:
        """Yield what it prints until it ends: nothing more once it was asked to end."""
        assert self._process.stdout is not None
        yield from (line for line in self._process.stdout if not self.asked_to_end)

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return self._process.wait()
