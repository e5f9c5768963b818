"""Calls of commands as hypothesis draws them: from the parser, with something wrong here and there.

No call trains for long, measures, downloads, or writes files of the package: see :func:`stub`.
"""

import shutil
from argparse import ArgumentParser
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import yaml
from hypothesis import strategies as st

from l2rw.bench.first_steps import Turn
from l2rw.commands.main import GROUPS, main
from l2rw.commands.parser import count, file_to_write, folder_to_write, positive, seed, seed_range
from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.store.checksums import write_record
from l2rw.store.files import write_text
from tests.fuzz.configurations import BASE

COMMANDS = [command for group in GROUPS for command in group.COMMANDS]
ROWS = b"".join(b"%d,%d,%d\n" % (n % 17, n % 7, n % 2) for n in range(60))
FILES = {
    "empty": b"",
    "bytes": bytes(range(256)),
    "list.json": b"[]",
    "nested.json": b"[" * 5000,
    "record.json": b'{"sha256": 3, "files": [], "plan": {}}',
    "a.csv": b"a,b\n1,2\n",
    "latin.yaml": "name: é".encode("latin-1"),
    "twice.yaml": b"name: a\nname: b\n",
    "long.yaml": b"name: " + b"a" * 400,
    "a.npz": b"PK\x05\x06" + bytes(18),
    "bare.npy": b"\x93NUMPY",
    "table.csv": b"x,y,label\n" + ROWS,
}
WORDS = [*FILES, "folder", "absent", "absent/below", "empty/below", "", "~nobody", "x" * 300]
WORDS += ["0", "-1", "1", "1e9", "nan", "0-4", "4-1", "²", "--", "-x", "‖", "/proc/self/mem"]
WORDS += ["other.npz", "sealed.csv", "{", "\udcf6", "a\nb", "."]

TINY = {
    "name": "tiny",
    "targets": ["figure2", "theorem2"],
    "data": {"download": False},
    "compute": {"device": "cpu"},
    "theory": BASE["theory"],
    "experiments": {
        "figure2": BASE["experiments"]["figure2"] | {"seeds": 1, "rows": ["baseline"]},
        "theorem2": {"steps": 5},
    },
}
PLAN = Plan(parse_config(TINY))
(CELL,) = (key for key in PLAN.cells if "baseline" in key)
SPLIT = PLAN.cells[CELL].split.id
RESULTS = Path("results/tiny")
PLAN_FILE, THEORY = (str(RESULTS / "plan" / PLAN.file(name)) for name in PLAN.experiments)
DATA, DRAWN = "digits.npz", str(RESULTS / f"splits/{SPLIT}/seed-0.npz")
RUN = RESULTS / "runs" / CELL / "seed-0"
TABLE = str(RESULTS / "tables/figure2.csv")

FITTING = {
    "config": ["tiny.yaml", "mine.yaml"],
    "plan": [PLAN_FILE, PLAN_FILE, THEORY],
    "plans": [PLAN_FILE, THEORY],
    "cell": [CELL, CELL, next(key for key in PLAN.cells if key != CELL)],
    "split": [SPLIT, DRAWN],
    "splits": [DRAWN],
    "data": [DATA],
    "network": [str(RUN / "network.safetensors")],
    "table": [TABLE],
    "summaries": [TABLE, "sealed.csv"],
    "bench": ["sealed.json"],
    "runs": [str(RESULTS / "runs")],
    "results": ["results", str(RESULTS)],
    "dataset": ["digits", "mnist", "mine"],
    "described": ["{kind: feature_table, path: table.csv, duplicates: keep}"],
    "path": ["table.csv", "folder"],
    "label": ["label"],
    "models": ["lenet_8x8"],
    "device": ["cpu"],
    "precision": ["float32", "tf32"],
    "stage": ["parity", "machine"],
    "experiment": ["figure2"],
    "cores": ["1", "all"],
    "row": ["baseline"],
    "root": ["folder"],
    "logs": ["folder"],
    "profile": ["profile"],
    count: ["1", "2"],
    seed: ["0", "1"],
    seed_range: ["0", "0-1"],
    positive: ["1", "0.001"],
    file_to_write: ["new.csv", "new/file.json"],
    folder_to_write: ["new", "new/folder", "folder"],
}
"""What an option takes, by its name or else by its type."""


def make_files(folder):
    """Write what calls name: what fits, and what does not."""
    (folder / "folder").mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    write_text(folder / "profile/config.yaml", "cores: 1")
    np.savez(folder / "other.npz", a=np.ones(3))
    (folder / "sealed.csv").write_text("a,b\n1,2\n")
    write_record(folder / "sealed.json", {}, [folder / "sealed.csv"])
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    PLAN.create(folder / RESULTS)
    of_plan, of_seed = ["--plan", PLAN_FILE], ["--data", DATA, "--out"]
    for words in (
        ["fetch", "digits", "--offline", "--out", DATA],
        ["corrupt", *of_plan, "--split", SPLIT, "--seed", "0", *of_seed, DRAWN],
        [
            *("train", *of_plan, "--cell", CELL, "--seeds", "0", "--splits", DRAWN),
            *("--checkpoints", "checkpoints", *of_seed, str(RUN)),
        ],
        ["init", "table.csv", "--label", "label", "--out", "mine.yaml"],
        ["tabulate", *of_plan, "--runs", f"{RESULTS}/runs", "--out", f"{RESULTS}/tables"],
    ):
        assert main(words) == 0


def stub(patch):
    """Replace what takes long, needs the network or writes files of the package."""

    @contextmanager
    def running(command):
        yield SimpleNamespace(lines=lambda: iter(()), wait=lambda: 0)

    def run_stages(stages, command, deadline, out):
        write_text(out, "all is well")
        return []

    for name, instead in {
        "away.run_for.RunFor.train": lambda self: None,
        "bench.device_checks.rows": lambda *given: iter(()),
        "bench.first_steps._turns": lambda *given: iter([Turn(1, 2.0, 1.0, 0.5)]),
        "bench.gpu_check.run_stages": run_stages,
        "bench.operations.COSTS": "costs.csv",
        "bench.operations.count_operations": lambda model: (1, 2, 3),
        "bench.operations.measure_memory": lambda model: 1.0,
        "bench.run._measure": lambda settings, device: (None, []),
        "config.documents.DOCUMENTS": {Path("new"): lambda: "what it says"},
        "data.datasets.sources._download": lambda places: None,
        "running.run.running": running,
    }.items():
        patch.setattr(f"l2rw.{name}", instead)
    for name in ("L2RW_DATA", "L2RW_WORKERS"):
        patch.delenv(name, raising=False)


def options_of(command):
    """Return what argparse knows of a command's options and arguments."""
    parser = ArgumentParser()
    command.options(parser)
    return [a for a in parser._actions if a.dest != "help"]


def outputs_of(words):
    """Return the places that a call names to be written to."""
    (command,) = (c for c in COMMANDS if c.name == words[0])
    known = {
        option
        for action in options_of(command)
        if action.type in (file_to_write, folder_to_write)
        for option in action.option_strings
    }
    return [Path(word) for option, word in pairwise(words) if option in known]


def values(action):
    """Draw a value of an option: mostly one that fits, if any does."""
    fitting = action.choices or FITTING.get(action.dest) or FITTING.get(action.type)
    junk = st.sampled_from(WORDS)
    if not fitting:
        return junk
    return st.integers(0, 7).flatmap(lambda n: st.sampled_from(list(fitting)) if n else junk)


@st.composite
def calls(draw):
    """Draw a command and its arguments, those that have to be given nearly always."""
    command = draw(st.sampled_from(COMMANDS))
    words = [command.name]
    for action in options_of(command):
        given = action.required and draw(st.integers(0, 30))
        if not (given or draw(st.integers(0, 2)) == 0):
            continue
        words += action.option_strings[:1]
        if action.nargs != 0:
            most = 2 if action.nargs in ("+", "*") else 1
            words += draw(st.lists(values(action), min_size=1, max_size=most))
    return words


def copied(folder, to):
    """Copy the files anew, so that calls do not see what others wrote."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to
