import json
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from l2rw.away.packing import PIECE_BYTES, Bundle, Limits, pack, require_no_parts
from l2rw.store.errors import UserError

MIB = 2**20


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def bundle(name, *sizes, rank=0):
    """Write files of random bytes, which do not get smaller, and bundle them."""
    random = np.random.default_rng(len(name))
    paths = [Path(name, str(place)) for place in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(random.bytes(size))
    return Bundle(name, tuple(paths), rank)


def unpack(parts):
    """Return files by path, put together independently of `adopt`."""
    files = {}
    for part in parts:
        with tarfile.open(part) as tar:
            pieces = json.load(tar.extractfile("manifest.json"))["pieces"]
            for piece in pieces:
                content = tar.extractfile(piece["name"]).read()
                file = files.setdefault(piece["file"], bytearray(piece["size"]))
                file[piece["start"] : piece["start"] + len(content)] = content
    return files


def never():
    return time.monotonic() + 1e6


def test_files_come_back_though_larger_than_a_part():
    large = bundle("large", 2 * PIECE_BYTES + 7, 0, 3)
    limits = Limits(part_bytes=5 * MIB)
    parts, left_out = pack([large, bundle("small", 100)], Path("out"), limits, never())
    assert left_out == {}
    assert len(parts) == 2
    assert all(part.stat().st_size <= limits.part_bytes for part in parts)
    found = unpack(parts)
    assert {*found} == {"large/0", "large/1", "large/2", "small/0"}
    assert all(Path(name).read_bytes() == content for name, content in found.items())


def test_what_does_not_fit_is_left_out_whole_and_named():
    runs = [bundle("huge", 1000, 9 * MIB), bundle("two", MIB), bundle("one", MIB // 2)]
    kept = [bundle("checkpoint", MIB, rank=1), bundle("small", 10, rank=1)]
    limits = Limits(part_bytes=2 * MIB, parts=1)
    parts, left_out = pack([*kept, *runs], Path("out"), limits, never())
    assert left_out == {
        "huge": "no room for its 9.0 MiB",
        "checkpoint": "no room for its 1.0 MiB",
    }
    assert {*unpack(parts)} == {"one/0", "two/0", "small/0"}
    assert parts[0].stat().st_size <= limits.part_bytes


def test_many_small_files_keep_to_the_size():
    many = [bundle(f"with a long name {'x' * 150} {number:03}", 10) for number in range(300)]
    limits = Limits(part_bytes=100_000)
    parts, left_out = pack(many, Path("out"), limits, never())
    assert len(parts) > 1
    assert all(part.stat().st_size <= limits.part_bytes for part in parts)
    assert len(unpack(parts)) + len(left_out) == 300
    assert not left_out


def test_nothing_is_begun_after_the_time():
    parts, left_out = pack([bundle("late", 10)], Path("out"), Limits(MIB), time.monotonic() - 1)
    assert parts == []
    assert left_out == {"late": "the time was over"}


def test_parts_of_an_earlier_pack_are_not_overwritten():
    require_no_parts(Path("out"))
    pack([bundle("one", 10)], Path("out"), Limits(MIB), never())
    with pytest.raises(UserError, match=r"part-1\.tar\.gz exists already"):
        require_no_parts(Path("out"))
