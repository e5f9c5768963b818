"""No flipped bit and no missing end of any file flows into a number, a figure, a page."""

import json
import shutil

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from l2rw.claims.publish import publish
from l2rw.commands.main import main
from l2rw.config.load import parse_config
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.planning.outputs import outputs
from l2rw.planning.plan import Plan
from l2rw.store.checksums import verified
from l2rw.store.errors import UserError
from l2rw.store.paths import RESULT
from l2rw.training.plan_file import read_plan

from .conftest import TINY, Workspace

pytestmark = pytest.mark.workflow

CONFIG = parse_config(TINY)


@pytest.fixture(scope="module")
def results(finished: Workspace, tmp_path_factory):
    """Finished results; each test leaves them as they were."""
    place = tmp_path_factory.mktemp("damaged") / CONFIG.results
    return shutil.copytree(finished.results, place)


@pytest.fixture(scope="module")
def files(results):
    return sorted(path for path in results.rglob("*") if path.is_file())


def damaged(content: bytes, place: float, bit: int | None) -> bytes:
    """Return content with a bit flipped at a place in [0, 1), or cut short there."""
    at = int(place * len(content))
    if bit is None:
        return content[:at]
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def says_the_same(path, content: bytes, other: bytes) -> bool:
    """Whether only blanks of a JSON file differ."""
    try:
        return path.suffix == ".json" and json.loads(content) == json.loads(other)
    except ValueError:
        return False


def read(path, results):
    """Read a file as the pipeline does."""
    kind = path.relative_to(results).parts[0]
    if kind == "plan":
        return read_plan(path)
    if path.suffix == ".npz":
        verified(path)
        return Dataset.load(path) if kind == "data" else Split.load(path)
    if kind in ("runs", "bench"):
        return verified(path)
    # Outputs are made anew.
    if due := [o.record for o in outputs(Plan(CONFIG, results), results) if not o.is_current]:
        raise UserError(f"{path} is due, by {due}.", "run again.")
    return None


@given(
    which=st.floats(0, 1, exclude_max=True),
    place=st.floats(0, 1, exclude_max=True),
    bit=st.none() | st.integers(0, 7),
)
@example(which=0.0, place=0.0, bit=None)
@settings(max_examples=200)
def test_every_damage_is_noticed_and_named(results, files, which, place, bit):
    path = files[int(which * len(files))]
    content = path.read_bytes()
    read(path, results)
    assume(not says_the_same(path, content, damaged(content, place, bit)))
    path.write_bytes(damaged(content, place, bit))
    try:
        with pytest.raises(UserError, match=str(path.parent)):
            read(path, results)
    finally:
        path.write_bytes(content)


def test_there_is_a_file_of_every_kind(files, results):
    kinds = {path.relative_to(results).parts[0] for path in files}
    assert kinds >= {"data", "splits", "plan", "runs", "tables", "figures", "bench", "claims.csv"}
    assert {path.suffix for path in files} >= {".npz", ".safetensors", ".svg", ".png", ".md"}


@pytest.mark.parametrize(
    "suffix",
    [
        "tables/figure2.csv",
        "tables/figure2.md",
        "figures/figure2.svg",
        "figures/figure2.png",
        "figures/figure2.csv",
        "bench",
        "result.json",
    ],
)
def test_what_is_damaged_is_not_published(results, files, suffix, tmp_path, monkeypatch):
    monkeypatch.chdir(results.parents[1])
    path = next(p for p in files if suffix in p.as_posix())
    content = path.read_bytes()
    path.write_bytes(damaged(content, 0.5, 3))
    try:
        with pytest.raises(UserError, match=path.name):
            publish(CONFIG, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("command", ["tabulate", "draw", "metrics", "judge"])
def test_what_is_damaged_flows_into_nothing(results, files, command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(results.parents[1])
    made = {"tabulate": RESULT, "draw": "tables/figure2.csv"}.get(command, "figures/figure2.csv")
    path = next(p for p in files if made in p.as_posix())
    if command == "judge":
        path = path.with_suffix(".svg")
    plan = next(p for p in files if p.parent.name == "plan")
    out = ["--out", tmp_path / ("m.json" if command == "metrics" else "out")]
    arguments = {
        "tabulate": ["--plan", plan, "--runs", results / "runs"],
        "draw": ["--plan", plan, "--table", path],
        "metrics": [path],
        "judge": ["--plans", plan, "--results", results],
    }[command]
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1", b"2", 1))
    try:
        assert main([command, *map(str, arguments + out)]) == 2
    finally:
        path.write_bytes(content)
    (told,) = capsys.readouterr().err.splitlines()
    assert path.name in told
    assert not (tmp_path / "m.json").exists()
    assert not (tmp_path / "out").exists()


def test_another_kind_of_file_is_named(results, files, tmp_path, capsys):
    split = next(p for p in files if p.parent.parent.name == "splits")
    data = next(p for p in files if p.parent.name == "data")
    for reader, path in ((Dataset.load, split), (Split.load, data)):
        with pytest.raises(UserError, match="cannot be read as a"):
            reader(path)
    bare = tmp_path / "bare.npz"
    bare.write_bytes(
        b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (), }"
    )
    with pytest.raises(UserError, match="cannot be read as arrays"):
        Split.load(bare)
    wrong = tmp_path / "plan.json"
    for content in ([], {}, {"cells": 3}):
        wrong.write_text(json.dumps(content))
        with pytest.raises(UserError, match="cannot be read as a plan file"):
            read_plan(wrong)
