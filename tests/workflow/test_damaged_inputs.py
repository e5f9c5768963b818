"""Whatever reads a damaged file, or one of another place, says so or makes what it made before.

Each step of the workflow, and each command on its results, is called on finished results in which
a bit was flipped, a file was cut short, emptied, or changed its place with another.
"""

import contextlib
import io
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from l2rw.commands.main import main
from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.store.paths import DETECTORS, NETWORK, PROBE, Results
from l2rw.training.checkpoints import Checkpoints

from .conftest import NOISY, Workspace, place_timings
from .test_own_data import clean_ids, training, write_digits
from .test_theory import THEORY

pytestmark = [pytest.mark.workflow, pytest.mark.long]

NAME, OWN = "everything", "images"
CONFIG = NOISY | {
    "name": NAME,
    "targets": ["figure2", "table2", "figure3", "detectors", "theorem2", OWN],
    "theory": THEORY["theory"],
    "noisy_labels": NOISY["noisy_labels"] | {"seeds": 2, "validation_size": 9},
    "data_sets": {
        OWN: {"kind": "image_folder", "path": "digits", "size": 8, "grey": True}
        | {"test_share": 0.25, "clean": "clean.csv"}
    },
    "experiments": NOISY["experiments"]
    | {
        "table2": {"datasets": ["digits"], "rows": ["baseline+ft", "l2rw"]},
        "theorem2": THEORY["experiments"]["theorem2"],
        OWN: {"kind": "table", "datasets": [OWN], "rows": ["baseline", "l2rw"]}
        | {"corruptions": [{"name": "given", "clean_size": 0}]}
        | {"training": training("lenet_8x8") | {"steps": 6}},
    },
}
FILE = f"{NAME}.yaml"
OUT = Path("out")
"""Where each step writes to."""
KEPT, EXPORTED, PUBLISHED = Path("kept"), Path("exported"), Path("published")
"""Checkpoints of whole runs, and what commands left."""
MAY_DIFFER = ("made", "sha256", "files", "inputs", "seconds", "provenance", "sgd_run_seconds")
"""Keys of JSON files that say how and when."""


@dataclass
class Step:
    """A call of the command line, and what it did on whole files."""

    words: list[str]
    reads: set[Path] = field(default_factory=set)
    made: dict[str, object] = field(default_factory=dict)


class Opened:
    """The files that this process opens to read while it watches."""

    def __init__(self):
        self.watches, self.paths = False, set()
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if self.watches and event == "open" and isinstance(arguments[0], str):
            self.paths.add(Path(arguments[0]).absolute())


def steps_of(plan):
    """Return calls of all commands that read results, by name."""
    there = Results(plan.config.results)
    data = {name: there.data(plan.data_file(name)) for name in plan.datasets}
    plans = {name: there.plan(plan.file(name)) for name in plan.experiments}
    steps = {}

    def add(name, *words):
        steps[name] = Step(list(map(str, words)))

    def job(command, key, seeds, *words):
        cell, owner = plan.cells[key], plans[plan.owner(key)]
        splits = [there.split(cell.split.id, seed) for seed in seeds]
        add(
            *(f"{command} {key}", command, "--plan", owner, "--cell", key, "--data"),
            *(data[cell.split.dataset], "--splits", *splits, *words),
        )

    for key, cell in plan.cells.items():
        if cell.kind == "simulation":
            split = there.split(cell.split.id, 0)
            words = ("--plan", plans[plan.owner(key)], "--cell", key, "--seed", 0, "--split", split)
            add(f"simulate {key}", "simulate", *words, "--data", data["digits"], "--out", OUT)
            continue
        (seeds,) = plan.jobs(cell)
        parents = [there.run(*parent) / NETWORK for parent in plan.parents(key, [0, 1])]
        more = ["--parents", *parents] if parents else []
        seeds_of_job = range(2) if seeds == "0-1" else range(1)
        for command, folder in (("train", OUT / "new"), ("resume", KEPT / key)):
            job(command, key, seeds_of_job, "--seeds", seeds, *more)
            step = steps[f"{command} {key}"]
            step.words[0] = "train"
            step.words += ["--checkpoints", str(folder), "--out", str(OUT)]
    for split in plan.splits.values():
        words = ("--plan", plans[plan.owner(split.id)], "--split", split.id, "--seed", 0)
        add(
            *(f"corrupt {split.id}", "corrupt", *words),
            *("--data", data[split.dataset], "--out", OUT / "split.npz"),
        )
    for name, path in plans.items():
        add(f"tabulate {name}", "tabulate", "--plan", path, "--runs", there.runs, "--out", OUT)
        table = there.table(name)
        add(f"draw {name}", "draw", "--plan", path, "--table", table, "--out", OUT)
    for name, command, file in (("figure3", "probe", PROBE), ("detectors", "detect", DETECTORS)):
        ((key, seeds), *_) = plan.runs(name)
        network = there.run(key, seeds) / NETWORK
        seeds_of_job = range(2) if seeds == "0-1" else range(1)
        job(command, key, seeds_of_job, "--seeds", seeds, "--network", network, "--out", OUT / file)
    add("metrics", "metrics", *(there.figure(n, "csv") for n in plans), "--out", OUT / "m.json")
    bench = there.bench(plan.bench_file)
    add("plan", "plan", FILE, "--bench", bench)
    judge = ("judge", "--plans", *plans.values(), "--bench", bench)
    add("judge", *judge, "--results", there.folder, "--out", there.folder)
    experiment, cell = plan.reviews[OWN]
    described = json.dumps(CONFIG["data_sets"][OWN])
    review = ("review", "--plan", plans[experiment], "--cell", cell.id, "--described", described)
    review += ("--data", data[OWN], "--runs", there.runs, "--table", there.table(experiment))
    add("review", *review, "--out", there.review(OWN).folder)
    add("export", "export", FILE, "--out", OUT)
    add("predict", "predict", EXPORTED / NETWORK, "digits", "--out", OUT / "classes.csv")
    add("publish", "publish", FILE, "--out", OUT)
    add("claims", "claims", there.folder)
    add("claims of published results", "claims", PUBLISHED)
    add("tensorboard", "tensorboard", there.folder, "--out", OUT)
    return steps


def content_of(path):
    """Return what must not differ in a file; None if all of it may."""
    if path.suffix in (".pdf", ".safetensors"):
        return None  # dates; checksums of what says how it was made
    if path.suffix != ".json":
        return path.read_bytes()

    def rest(found):
        if isinstance(found, dict):
            return {key: rest(one) for key, one in found.items() if key not in MAY_DIFFER}
        return [rest(one) for one in found] if isinstance(found, list) else found

    return rest(json.loads(path.read_bytes()))


class Scene:
    """Finished results, and what every step makes of them."""

    def __init__(self):
        self.opened = Opened()
        self.plan = Plan(parse_config(CONFIG), Path("results", NAME))
        self.steps = steps_of(self.plan)
        for name, step in self.steps.items():
            if name.startswith("train "):
                kept = KEPT / name.removeprefix("train ")
                words = [str(kept) if word == str(OUT / "new") else word for word in step.words]
                assert main(words) == 0, name
        assert main(["export", FILE, "--out", str(EXPORTED)]) == 0
        assert main(["publish", FILE, "--out", str(PUBLISHED)]) == 0
        for name, step in self.steps.items():
            code, step.made, _ = self.call(step, watches=True)
            assert code == 0, name
            step.reads = set(self.opened.paths)
        tops = (Path("results"), KEPT, EXPORTED, PUBLISHED)
        files = (path for top in tops for path in sorted(top.rglob("*")) if path.is_file())
        self.readers = {
            path: names
            for path in files
            if (names := [n for n, s in self.steps.items() if path.absolute() in s.reads])
        }
        self.files = list(self.readers)

    def call(self, step, *, watches=False):
        """Run a step; return its exit code, what it made, and what it said of an error."""
        shutil.rmtree(OUT, ignore_errors=True)
        in_place = [
            path
            for word in step.words[-1:]
            if word.startswith("results")
            for path in Path(word).rglob("*")
            if path.is_file()
        ]
        before = {path: path.read_bytes() for path in in_place}
        self.opened.paths, self.opened.watches = set(), watches
        written, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(written), contextlib.redirect_stderr(errors):
            code = main(step.words)
        self.opened.watches = False
        written_anew = [
            path
            for path in in_place
            if (path.read_bytes() != before[path] if watches else str(path) in step.made)
        ]
        found = [*written_anew, *(path for path in OUT.rglob("*") if path.is_file())]
        made = {} if code else {str(path): content_of(path) for path in found}
        for path, content in before.items():
            path.write_bytes(content)
        said = written.getvalue() if step.words[0] == "claims" else ""
        return code, {**made, "said": said}, errors.getvalue()

    def alike(self, path):
        """Return the files of the same kind in other places."""
        same = [p for p in self.files if (p.suffix, p.parts[:3]) == (path.suffix, path.parts[:3])]
        return [p for p in same if p != path]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp(NAME), NAME)
    truth = write_digits(workspace.folder / "digits", per_class=30, wrong=6)
    (workspace.folder / "clean.csv").write_text("\n".join(["id", *clean_ids(truth)]) + "\n")
    (workspace.folder / FILE).write_text(yaml.safe_dump(CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workspace.folder)
        place_timings(workspace.results, CONFIG)
        workspace.run(CONFIG)
        patch.setattr(Checkpoints, "discard", lambda self: None)
        yield Scene()


@contextlib.contextmanager
def in_each_others_place(one, other):
    """Let two files or folders change their places for a while."""

    def change():
        away = one.with_name("away")
        for source, target in ((one, away), (other, one), (away, other)):
            Path(source).rename(target)

    change()
    try:
        yield
    finally:
        change()


@contextlib.contextmanager
def holding(path, content):
    """Let a file hold something else for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def check(scene, name, touched):
    """Call a step: it names a file that was touched, or makes what it made."""
    step = scene.steps[name]
    code, made, errors = scene.call(step)
    if code == 0:
        differing = [key for key, content in step.made.items() if made.get(key) != content]
        assert not differing, f"{name} made something else of {touched}"
        return
    assert code == 2, errors
    told = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert any(word in told[0] for path in touched for word in names(path)), told


def names(path):
    """Return what a sentence may call a file: itself, its folder, and of a run the cell."""
    of_run = path.parent.name.startswith("seed-")
    return [path.name, path.parent.name, *([path.parent.parent.name] if of_run else [])]


PLACES = st.floats(0, 1, exclude_max=True)


def at(places, share):
    return places[int(share * len(places))]


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(which=PLACES, place=PLACES, bit=st.none() | st.integers(0, 7), reader=PLACES)
@example(which=0.0, place=0.0, bit=None, reader=0.0)
def test_no_flipped_bit_and_no_missing_end_flows_on(scene, which, place, bit, reader):
    path = at(scene.files, which)
    content = path.read_bytes()
    end = int(place * len(content))
    flipped = b"" if bit is None else bytes([content[end] ^ 1 << bit]) + content[end + 1 :]
    with holding(path, content[:end] + flipped):
        check(scene, at(scene.readers[path], reader), [path])


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(which=PLACES, other=PLACES, folders=st.booleans(), reader=PLACES)
@example(which=0.6796875, other=0.75, folders=True, reader=0.75)
def test_no_whole_file_of_another_place_flows_on(scene, which, other, folders, reader):
    path = at(scene.files, which)
    if not (alike := scene.alike(path)):
        return
    one, two = path, at(alike, other)
    if folders and one.parent.name.startswith("seed-") and one.parent != two.parent:
        one, two = one.parent, two.parent
    touched = [p for p in scene.files if p in (one, two) or p.parent in (one, two)]
    with in_each_others_place(one, two):
        check(scene, at(scene.readers[path], reader), touched)
