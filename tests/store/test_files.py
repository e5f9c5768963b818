import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file

from l2rw.analysis import style
from l2rw.data.datasets.dataset import Dataset
from l2rw.store import files
from l2rw.store.ending import explained
from l2rw.store.errors import UserError

DATASET = Dataset("digits", *(np.zeros((1, 1, 8, 8), np.uint8), np.zeros(1, np.int64)) * 2)
WRITERS = {
    "file.txt": lambda path: files.write_text(path, "x" * 2**21),
    "file.json": lambda path: files.write_json(path, ["x" * 2**21]),
    "file.csv": lambda path: files.write_csv(path, ["a"], [["x" * 2**21]]),
    "file.safetensors": lambda path: files.write_tensors(path, {"a": torch.zeros(2**19)}),
    "copy": lambda path: files.copy_file(Path(torch.__file__).with_name("functional.py"), path),
    "file.npz": DATASET.save,
    "figure.svg": lambda path: style.save(Figure(), path.parent, path.stem),
}
every_writer = pytest.mark.parametrize("name", WRITERS)


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@every_writer
def test_folders_are_made_and_nothing_else_is_left(tmp_path, name):
    path = tmp_path / "deep" / "deeper" / name
    WRITERS[name](path)
    suffixes = style.FORMATS if name == "figure.svg" else [path.suffix[1:]]
    assert set(everything(tmp_path)) == {path.with_suffix(f".{s}" if s else "") for s in suffixes}


@every_writer
@pytest.mark.parametrize("in_the_way", ["folder", "parent"])
def test_what_is_in_the_way_is_told_and_kept(tmp_path, name, in_the_way):
    path = tmp_path / "deep" / name
    if in_the_way == "folder":
        for suffix in style.FORMATS if name == "figure.svg" else [path.suffix]:
            (path.with_suffix(f".{suffix.strip('.')}" if suffix else "") / "kept").mkdir(
                parents=True
            )
    else:
        path.parent.write_text("kept")
    before = sorted(tmp_path.rglob("*")), everything(tmp_path)
    with pytest.raises(UserError, match=r"cannot be written \(.*\)\. Hint: .*--out"):
        WRITERS[name](path)
    assert (sorted(tmp_path.rglob("*")), everything(tmp_path)) == before


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk of 1 MiB cannot be mounted here: {error}")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("name", ["file.txt", "file.json", "file.csv", "file.safetensors"])
def test_on_a_full_disk_nothing_partial_is_left(small_disk, name):
    path = small_disk / name
    path.write_text("as it was")
    with pytest.raises(UserError, match=r"cannot be written.*No space left.*free some"):
        WRITERS[name](path)
    assert everything(small_disk) == {path: b"as it was"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device_is_told_with_its_hint():
    with pytest.raises(UserError, match=r"/dev/full cannot be written \(No space left.*free some"):
        files.write_text(Path("/dev/full"), "text")
    assert Path("/dev/full").is_char_device()


@pytest.mark.skipif(os.geteuid() == 0, reason="folders are never read-only for root")
def test_a_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match=r"cannot be written.*Permission"):
        files.write_text(tmp_path / "file", "text")


@pytest.mark.parametrize("name", [".", "a/b", "x" * 240, "x" * 300])
def test_a_place_is_refused_early_where_writing_would_fail(tmp_path, name):
    (tmp_path / "a").touch()
    before = everything(tmp_path)
    for use in (files.require_place, lambda path: files.write_text(path, "")):
        with pytest.raises((UserError, OSError)) as error:
            use(tmp_path / name)
        assert explained(error.value)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("place", ["file", "new/folders/file", "/dev/stdout"])
def test_other_places_are_not_refused(tmp_path, place):
    files.require_place(tmp_path / place)
    assert not everything(tmp_path)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_file_is_as_it_was(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("as it was")

    def rows():
        yield ["half"]
        raise error

    with pytest.raises(error):
        files.write_csv(path, ["a"], rows())
    assert everything(tmp_path) == {path: b"as it was"}


def test_json_knows_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "file", float("nan"))
    assert not everything(tmp_path)


@pytest.mark.parametrize("name", ["file.npz", "many.dots.csv", "no suffix"])
def test_no_two_writers_of_a_file_share_a_name(tmp_path, name):
    path = tmp_path / name
    with files.replacing(path) as one, files.replacing(path) as other:
        assert one != other
        for partial in (one, other):
            assert partial.parent == path.parent
            assert partial.suffix == (path.suffix or ".partial")
            assert partial.name.startswith(".")
            partial.write_text(partial.name)
    assert set(everything(tmp_path)) == {path}


def write_often(path, letter):
    for _ in range(100):
        files.write_text(path, letter * 10**5)


def test_readers_see_whole_files_of_one_of_several_writers(tmp_path):
    path = tmp_path / "file"
    files.write_text(path, "start")
    spawn = get_context("spawn")
    writers = [spawn.Process(target=write_often, args=(path, letter)) for letter in "ab"]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_text())
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen <= {"start", "a" * 10**5, "b" * 10**5}
    assert set(everything(tmp_path)) == {path}


def test_what_was_written_is_read_again(tmp_path):
    content = {"text": "κ ≤ ½", "number": 0.1, "none": None}
    files.write_json(tmp_path / "json", content)
    assert files.read_json(tmp_path / "json") == content
    rows = [["1", "κ, ≤"], ["2", 'a "quoted"\nline']]
    files.write_csv(tmp_path / "csv", ["a", "b"], rows)
    assert b"\r" not in (tmp_path / "csv").read_bytes()
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], *rows]
    tensors = {"a": torch.arange(6).view(2, 3).T}
    files.write_tensors(tmp_path / "tensors", tensors)
    assert load_file(tmp_path / "tensors")["a"].tolist() == tensors["a"].tolist()


def test_text_is_utf8_in_every_locale(tmp_path):
    program = (
        "import sys; from pathlib import Path; from l2rw.store import files\n"
        "path = Path(sys.argv[1]); files.write_text(path, '\\u03ba\\n')\n"
        "files.write_json(path.with_suffix('.json'), files.read_json(Path(sys.argv[2])))"
    )
    given = tmp_path / "given.json"
    given.write_bytes('"κ"'.encode())
    ascii_only = os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    command = [sys.executable, "-c", program, tmp_path / "text", given]
    subprocess.run(command, check=True, env=ascii_only)
    assert (tmp_path / "text").read_bytes() == "κ\n".encode()
    assert json.loads((tmp_path / "text.json").read_bytes()) == "κ"


@pytest.fixture
def someone_else():
    """Be someone else than the owner of the files in a folder; return it."""
    if os.geteuid() != 0:
        pytest.skip("only root can be someone else")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "file").write_text("content")
        (folder / "file").chmod(0o666)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("seconds", [1, None])
def test_files_of_another_owner_are_dated_and_kept_as_they_are(someone_else, seconds):
    path = someone_else / "file"
    before = time.time()
    files.set_time(path, seconds)
    assert everything(someone_else) == {path: b"content"}
    assert path.stat().st_mtime == 1 if seconds else path.stat().st_mtime >= before - 1


def test_what_may_not_be_dated_is_told(someone_else):
    os.seteuid(0)
    someone_else.chmod(0o555)
    os.seteuid(65534)
    with pytest.raises(UserError, match=r"file cannot be written \(Permission denied\)"):
        files.set_time(someone_else / "file", 1)
    assert (someone_else / "file").read_text() == "content"


def test_a_file_that_may_not_be_dated_is_named(small_disk):
    path = small_disk / "file"
    path.write_text("as it was")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(UserError, match=rf"{path} cannot be written \(Read-only file system\)"):
        files.set_time(path, 1)


def test_equal_figures_are_equal_files(tmp_path):
    for folder in ("one", "other"):
        with mpl.rc_context(style.RC):
            figure = Figure()
            figure.subplots().plot([1, 2])
        style.save(figure, tmp_path / folder, "figure")
    one, other = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "other"))
    assert [path.name for path in one] == [path.name for path in other]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_leftovers_are_the_unfinished_files_of_one_file(tmp_path):
    path = tmp_path / "seed-1.safetensors"
    with (
        files.replacing(path) as partial,
        files.replacing(tmp_path / "seed-10.safetensors") as other,
    ):
        for unfinished in (partial, other):
            unfinished.write_text("")
        assert files.leftovers(path) == [partial]
    assert files.leftovers(path) == []


@pytest.mark.parametrize(
    "name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/../dev/null"]
)
def test_devices_are_never_replaced_even_where_they_lead_to_files(name, monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda self: True)  # as when output goes to a file
    assert files.is_written_in_place(Path(name))


def test_other_files_are_replaced(tmp_path):
    assert not files.is_written_in_place(tmp_path / "a.csv")
    assert not files.is_written_in_place(Path("/dev/shm/a.csv"))
    assert files.is_written_in_place(tmp_path)


def test_arrays_are_written_under_the_name_that_was_given(tmp_path):
    from l2rw.store.sealed_arrays import verify_arrays, write_arrays

    write_arrays(tmp_path / "split.json", {"a": np.ones(3)})
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]
    verify_arrays(tmp_path / "split.json")
