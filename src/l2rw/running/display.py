"""The display of a run: bars on a terminal, plain lines elsewhere."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from l2rw.running.events import Counted, Event, Failed, Finished, Said, Started
from l2rw.store.ending import OUR_MISTAKE, explained
from l2rw.store.errors import UserError
from l2rw.store.text import one_line
from l2rw.training.progress import format_seconds
from l2rw.training.status import read_status

SHOWN_RULES = ("train", "simulate", "bench", "page")
"""Rules whose ends are printed without a terminal; the others take a second or two."""
REFUSAL = re.compile(r"\[Errno (\d+)\] [^:]+(?:: '([^']*)')?")
CALL = "snakemake: error: "
"""How Snakemake tells that it cannot be called like this, after its usage."""
KEPT = 12
"""Lines of Snakemake that are shown if it fails without a failing job."""


class Display:
    """Shows what happens; a context manager."""

    def __init__(self, logs: Path, console: Console) -> None:
        """Args: ``logs`` is the folder of the run's logs, with the status of training jobs."""
        self._logs, self._console = logs, console
        self.failed: list[Failed] = []
        self.said: list[str] = []
        self._done, self._of = 0, 0
        self._started = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("jobs"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("planning", total=None)
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=2)

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def tell(self, event: Event) -> None:
        """Record an event and show it."""
        if isinstance(event, Counted):
            self._done, self._of = event.done, event.of
            self._progress.update(
                self._task, completed=event.done, total=event.of, description="running"
            )
        elif isinstance(event, Finished):
            self._tell_end(event.name)
        elif isinstance(event, Failed):
            self.failed.append(event)
            self._print(failure(event), style="red")
        elif isinstance(event, Said):
            self.said = [*self.said, event.line][-KEPT:]
        elif isinstance(event, Started):
            self._progress.update(self._task, description="running")

    def _tell_end(self, name: str) -> None:
        if name.partition(" ")[0] in SHOWN_RULES and not self._console.is_terminal:
            so_far = f"{self._done + 1} of {self._of} jobs" if self._of else "first job"
            elapsed = format_seconds(time.monotonic() - self._started)
            self._print(f"{elapsed}  {so_far} done: {name}")

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def _render(self) -> Progress | Group:
        jobs = [job for job in read_status(self._logs) if time.time() - job.updated < 60]
        if not jobs:
            return self._progress
        lines = [f"  {job.step / job.steps:4.0%}  {job.job}" for job in jobs]
        shown = Text("\n".join(lines[:8]), style="dim", no_wrap=True, overflow="ellipsis")
        return Group(self._progress, shown)


def failure(event: Failed) -> str:
    """Say in a line or two that a job failed, why, and where its log is."""
    reason = last_sentence(event.log) if event.log else None
    where = f"\n  log: {event.log}" if event.log else ""
    return f"Failed: {event.name}: {reason or 'its log is empty'}{where}"


def user_can_correct(event: Failed) -> bool:
    """Whether a job failed because of a problem that its user can correct, by its last sentence."""
    said = last_sentence(event.log) if event.log else None
    return said is not None and " Hint: " in said and not said.startswith(OUR_MISTAKE)


def refused(said: Sequence[str]) -> UserError | None:
    """Return what Snakemake refuses in its call, or the system to it, by Snakemake's last words."""
    for place, line in enumerate(said):
        if line.startswith(CALL):
            why = one_line(" ".join(said[place:]).removeprefix(CALL))
            return UserError(f"Snakemake refuses its options ({why}).", "correct its profile.")
    found = [match for line in said if (match := REFUSAL.search(line))]
    if not found:
        return None
    number, name = int(found[-1][1]), found[-1][2]
    return explained(OSError(number, os.strerror(number), name))


def last_sentence(log: Path) -> str | None:
    """Return the last message of a job: its error if it printed one, else its last line."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if line.startswith("Error: ")]
    return (errors or said)[-1].removeprefix("Error: ") if said else None
