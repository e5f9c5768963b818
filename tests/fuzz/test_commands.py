"""Whatever a command is given: it does its work, or says in a sentence why not."""

import pytest
from hypothesis import HealthCheck, event, example, given, settings

from l2rw.commands.main import main
from tests.fuzz.commands import (
    CELL,
    DATA,
    DRAWN,
    PLAN_FILE,
    RUN,
    TABLE,
    calls,
    copied,
    make_files,
    outputs_of,
    stub,
)

FAILS = {"predict", "gpu-check", "run-for"}
"""Commands that end with 1 where a part of their work failed."""

KEEPS = {"train"}
"""Commands that may have done a part of their work, and keep it, when they meet a mistake."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_files(folder)
    return folder


def content(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def call(words, folder, monkeypatch, capsys):
    copy = copied(folder, folder.with_name("copy"))
    before = content(copy)
    with monkeypatch.context() as patch:
        patch.chdir(copy)
        stub(patch)
        code = main(words)
    outputs = [copy / path for path in outputs_of(words)]
    event(f"{words[0]} ends with {code}")  # counted by --hypothesis-show-statistics
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert code in ((0, 1, 2) if words[0] in FAILS else (0, 2)), err
    after = content(copy)
    if code == 2:
        (told,) = [line for line in err.splitlines() if line.startswith("Error: ")]
        assert " Hint: " in told
    for path in before.keys() | after.keys():
        named = any(path.is_relative_to(output) for output in outputs)
        if not (named and (code == 0 or words[0] in KEEPS)):
            assert after.get(path) == before.get(path) or (code == 0 and path not in before), path


LOOK = ["probe", "--plan", PLAN_FILE, "--cell", CELL, "--seeds", "0", "--splits", DRAWN]
LOOK += ["--data", DATA, "--network", f"{RUN}/network.safetensors", "--out", "new.csv"]
FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=60, suppress_health_check=FIXTURES)
@given(calls())
@example(["metrics", "absent", "--out", "empty"])
@example(["status", "~nobody"])
@example(["metrics", "", "--out", "empty"])
@example(["metrics", "nested.json", "--out", "empty"])
@example(
    ["corrupt", "--plan", "nested.json", "--split", "x", "--seed", "0", "--data", "x", "--out", "x"]
)
@example(["metrics", "sealed.csv", "--out", "new"])
@example(["metrics", TABLE, "--out", "new"])
@example(LOOK)
@example(["prune", "tiny.yaml", "--remove"])
@example([*LOOK[:-1], "a.json"])
@example(["run", "tiny.yaml", "--cores", "a\nb"])
def test_some_calls(folder, monkeypatch, capsys, words):
    call(words, folder, monkeypatch, capsys)


@pytest.mark.long
@settings(max_examples=5000, suppress_health_check=list(HealthCheck))
@given(calls())
def test_many_calls(folder, monkeypatch, capsys, words):
    call(words, folder, monkeypatch, capsys)
