"""Training jobs, stopped amid their steps."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.workflow.conftest import Workspace

PATIENCE = 300.0  # seconds

T = TypeVar("T")


@dataclass(frozen=True)
class Held:
    """A training process that was stopped: to those who watch it, one whose steps take for ever."""

    cell: str
    checkpoint: Path
    step: int
    """Of the checkpoint; the process is amid the next."""


def hold(workspace: Workspace, cells: Sequence[str]) -> list[Held]:
    """Wait until training jobs of cells make checkpoints, and stop each."""
    folder = workspace.folder / "checkpoints" / workspace.name
    paths = {cell: folder / cell / "seed-0.safetensors" for cell in cells}
    before: dict[int, int] = {}  # by process, the first step seen
    held: dict[str, Held] = {}

    def all_held() -> bool:
        awaited = [cell for cell in cells if cell not in held and paths[cell].exists()]
        for cell, process in _training_processes(workspace.folder, awaited):
            step = _step_of(paths[cell])
            if step > before.setdefault(process, step):
                _stop(process)
                held[cell] = Held(cell, paths[cell], _step_of(paths[cell]))
        return len(held) == len(cells)

    wait_for(all_held, every=0.01)
    return [held[cell] for cell in cells]


def _stop(process: int) -> None:
    os.kill(process, signal.SIGSTOP)
    status = Path("/proc", str(process), "status")
    wait_for(lambda: "\nState:\tT" in status.read_text(), every=0.001)


def _step_of(checkpoint: Path) -> int:
    content = checkpoint.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return int(header["__metadata__"]["step"])


def _training_processes(folder: Path, cells: Sequence[str]) -> Iterator[tuple[str, int]]:
    for process in Path("/proc").glob("[0-9]*") if cells else ():
        with contextlib.suppress(OSError):  # it has just ended
            words = (process / "cmdline").read_bytes().split(b"\0")
            if {b"train", b"--cell"} <= set(words) and (process / "cwd").readlink() == folder:
                cell = words[words.index(b"--cell") + 1].decode()
                if cell in cells:
                    yield cell, int(process.name)


def wait_for(look: Callable[[], T], every: float = 0.2) -> T:
    """Return the first true value of a function that is called again and again."""
    give_up = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < give_up, f"waited {PATIENCE} seconds"
        time.sleep(every)
    return found
