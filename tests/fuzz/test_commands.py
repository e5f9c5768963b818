"""Whatever a command is given: it does its work, or says in a sentence why not."""

from argparse import ArgumentParser

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from l2rw.commands.main import GROUPS, main

LEFT_OUT = {"run", "bench", "gpu-check", "costs", "config", "doctor", "fetch", "run-for"}
"""They measure, download, or write files of the package."""
COMMANDS = [
    command for group in GROUPS for command in group.COMMANDS if command.name not in LEFT_OUT
]
FILES = {
    "empty": b"",
    "bytes": bytes(range(256)),
    "list.json": b"[]",
    "nested.json": b"[" * 5000,
    "record.json": b'{"sha256": 3, "files": [], "plan": {}}',
    "a.csv": b"a,b\n1,2\n",
    "latin.yaml": "name: é".encode("latin-1"),
    "twice.yaml": b"name: a\nname: b\n",
    "a.npz": b"PK\x05\x06" + bytes(18),
    "bare.npy": b"\x93NUMPY",
}
WORDS = [*FILES, "folder", "absent", "absent/below", "empty/below", "", "~nobody", "x" * 300]
WORDS += ["0", "-1", "1", "1e9", "nan", "0-4", "4-1", "²", "--", "-x", "‖", "/proc/self/mem"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "folder").mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    np.savez(folder / "other.npz", a=np.ones(3))
    return folder


def options_of(command):
    """Return a command's options, and whether each has to be given."""
    parser = ArgumentParser()
    command.options(parser)
    return [a for a in parser._actions if a.dest != "help"]


@st.composite
def calls(draw):
    command = draw(st.sampled_from(COMMANDS))
    words = [command.name]
    for action in options_of(command):
        if action.required or draw(st.booleans()):
            words += action.option_strings[:1]
            if action.nargs != 0:
                words.append(draw(st.sampled_from([*WORDS, "other.npz"])))
    return words


def call(words, folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        before = set(folder.rglob("*"))
        code = main(words)
        err = capsys.readouterr().err
        assert code in (0, 2), err
        assert "Traceback" not in err
        if code:
            (told,) = [line for line in err.splitlines() if line.startswith("Error: ")]
            assert " Hint: " in told
            assert {p for p in folder.rglob("*") if p.is_file()} <= before


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
def test_some_calls(folder, monkeypatch, capsys, words):
    call(words, folder, monkeypatch, capsys)


@pytest.mark.long
@settings(max_examples=5000, derandomize=False, suppress_health_check=list(HealthCheck))
@given(calls())
def test_many_calls(folder, monkeypatch, capsys, words):
    call(words, folder, monkeypatch, capsys)
