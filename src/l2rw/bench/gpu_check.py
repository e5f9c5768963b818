"""`l2rw gpu-check`: the one prepared check for a machine with a GPU that is there for minutes.

Every stage is a process of its own with a time limit: what fails, hangs or leaves CUDA broken ends
there, and the next stage begins. Stages that time nothing run side by side. The tables are written
anew after every stage, so that what was found is there even if the machine goes away.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from l2rw.bench.check_report import Outcome, failures, markdown
from l2rw.store.errors import UserError, closest
from l2rw.store.files import write_text

NETWORKS = ("lenet", "resnet32", "wrn28_10")
FILLS_A_GPU = frozenset({"wrn28_10"})
"""Networks that are not tried in company: one run keeps a GPU busy."""
SMALL_NETWORKS = ("lenet_8x8", "resnet_8x8", "wrn_8x8")
SECONDS = {"parity": 75, "resume": 75, "bench": 60, "throughput": 60, "compiled": 60}
"""What a stage of each kind may take, in the order in which they run. Compilation is last: it takes
longest."""
TIMED = frozenset({"bench", "throughput"})
"""Kinds whose stages run alone. The others share the machine with their neighbours."""
SECONDS_OF_ALL = 200
"""What a stage of all small networks may take on a CPU that is busy with other things."""
LEAST_SECONDS = 5.0
"""With less than this left, a stage is not begun."""


@dataclass(frozen=True)
class Stage:
    """A kind of check, of a network or of all, or the machine's description."""

    name: str
    seconds: float
    """What it may take."""

    @property
    def kind(self) -> str:
        """What it does."""
        return self.name.partition("-")[0]


Command = Callable[[Stage, Path], Sequence[str]]
"""Maps a stage, and the file that its rows go to, to the command that runs it."""


def stages(*, small: bool) -> list[Stage]:
    """Return all stages, in the order in which they run.

    Each kind of check and network has its own; small networks share one for each kind.
    """
    if small:
        return [Stage(kind, SECONDS_OF_ALL) for kind in ("machine", *SECONDS)]
    by_kind = [
        Stage(f"{kind}-{n}", SECONDS[kind])
        for kind in SECONDS
        for n in NETWORKS
        if not (kind == "throughput" and n in FILLS_A_GPU)
    ]
    return [Stage("machine", 60), *by_kind]


def gpu_check(*, small: bool, minutes: float, out: Path) -> bool:
    """Run all stages, print and write their tables; return whether nothing failed.

    Args:
        small: Whether to try everything on the CPU, with tiny networks.
        minutes: For all stages together.
        out: File to replace (.md).

    Raises:
        UserError: The budget or the file makes no sense, or there is no CUDA device.
    """
    if minutes <= 0:
        raise UserError(f"--minutes is {minutes:g}.", "give a positive number.")
    if out.is_dir():
        raise UserError(f"{out} is a folder.", "name a file for --out.")
    deadline = time.monotonic() + 60 * minutes
    if not small:
        _need_cuda()

    def command(stage: Stage, rows: Path) -> list[str]:
        arguments = ["--stage", stage.name, "--rows", os.fspath(rows)]
        size = ["--small"] if small else []
        return [sys.executable, "-u", "-m", "l2rw", "gpu-check", *size, *arguments]

    outcomes = run_stages(stages(small=small), command, deadline, out)
    print(f"\n{out.read_text(encoding='utf-8')}", flush=True)
    return not failures(outcomes)


def _need_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise UserError(
            "PyTorch finds no CUDA device on this machine.",
            "try everything on the CPU: add --small.",
        )


def run_stages(
    todo: Sequence[Stage], command: Command, deadline: float, out: Path
) -> list[Outcome]:
    """Run stages, those that time nothing beside their neighbours; write the tables after each.

    Args:
        todo: The stages.
        command: How to run one.
        deadline: Of all, on the clock of :func:`time.monotonic`.
        out: File to replace (.md).
    """
    outcomes: list[Outcome] = []

    def outcome_of(stage: Stage) -> Outcome:
        left = deadline - time.monotonic()
        if left < LEAST_SECONDS:
            return Outcome(stage.name, "skipped: no time left", 0.0, [])
        print(f"== {stage.name}, at most {min(stage.seconds, left):.0f} s", flush=True)
        return _run(stage, command, min(stage.seconds, left))

    for group in _side_by_side(todo):
        with ThreadPoolExecutor(len(group)) as pool:
            for last in pool.map(outcome_of, group):
                outcomes.append(last)
                print(f"== {last.stage}: {last.ended}, {last.seconds:.1f} s", flush=True)
                write_text(out, markdown(outcomes))
    return outcomes


def _side_by_side(todo: Sequence[Stage]) -> list[list[Stage]]:
    """Return the stages in order, in groups that may run at the same time."""
    groups: list[list[Stage]] = []
    for timed, group in groupby(todo, key=lambda stage: stage.kind in TIMED):
        stages_of_group = list(group)
        groups += [[stage] for stage in stages_of_group] if timed else [stages_of_group]
    return groups


def _run(stage: Stage, command: Command, limit: float) -> Outcome:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows = Path(folder) / "rows.jsonl"
        # In a session of its own: what it started, compilers above all, is ended with it.
        process = subprocess.Popen(command(stage, rows), start_new_session=True)
        try:
            code = process.wait(limit)
            ended = "ok" if code == 0 else f"failed (exit code {code})"
        except subprocess.TimeoutExpired:
            ended = f"cut after {limit:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # A process that hangs in the driver may not even die.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        return Outcome(stage.name, ended, time.monotonic() - start, list(_read(rows)))


def _read(rows: Path) -> Iterator[tuple[dict[str, str], bool]]:
    """Return what a stage told of its cases until it ended, its last line perhaps half written."""
    for line in rows.read_text(encoding="utf-8").splitlines() if rows.exists() else []:
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            yield row["cells"], row["ok"]


def run_stage(name: str, *, small: bool, rows: Path | None) -> bool:
    """Run one stage in this process; return whether all its cases went well.

    Args:
        name: Of one of :func:`stages`.
        small: Whether to run on the CPU, on a single thread.
        rows: File for the rows, a JSON object in each line, written as they come; or None.
    """
    known = {stage.name: group for group in _side_by_side(stages(small=small)) for stage in group}
    if name not in known:
        raise UserError(f"There is no stage {name!r}.", closest(name, list(known)))
    from l2rw.bench import device_checks
    from l2rw.training.device import choose_device, set_up_torch

    device = choose_device("cpu" if small else "cuda")
    cores = 1 if small else os.cpu_count() or 1
    set_up_torch("float32", max(cores // len(known[name]), 1))
    found = device_checks.rows(name.partition("-")[0], _networks(name), device)
    fine = True
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(rows.open("w", encoding="utf-8")) if rows else None
        for cells, ok in found:
            fine = fine and ok
            print("  ".join(f"{key}: {value}" for key, value in cells.items()), flush=True)
            if file:
                print(json.dumps({"cells": cells, "ok": ok}), file=file, flush=True)
    return fine


def _networks(name: str) -> Sequence[str]:
    """Return the networks of a stage."""
    _, _, network = name.partition("-")
    return [network] if network else SMALL_NETWORKS
