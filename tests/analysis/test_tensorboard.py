import struct

import pytest

from l2rw.analysis.tensorboard import FILE, _checksum, export
from l2rw.commands.main import main
from l2rw.store.errors import UserError


def fields(message):
    """The fields of a protocol buffer: number and content, in order."""
    found, at = [], 0

    def varint():
        nonlocal at
        number, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(message):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            found.append((number, varint()))
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        found.append((number, message[at : at + size]))
        at += size
    return found


def records(content):
    at = 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        assert content[at + 8 : at + 12] == _checksum(content[at : at + 8])
        message = content[at + 12 : at + 12 + length]
        assert content[at + 12 + length : at + 16 + length] == _checksum(message)
        at += 16 + length
        yield message


def scalars(content):
    """(step, tag) to value, of an event file."""
    first, *events = records(content)
    assert (3, b"brain.Event:2") in fields(first)
    found = {}
    for event in map(dict, map(fields, events)):
        for number, value in fields(event[5]):
            assert number == 1
            named = dict(fields(value))
            found[event[2], named[1].decode()] = struct.unpack("<f", named[2])[0]
    return found


def lines(setting, seed):
    return [
        {"step": step, "train_loss": seed + 0.5, "test_error": 1 / step if step < 200 else None}
        for step in (100, 200)
    ]


def test_every_value_of_every_run_is_there(make_up, tmp_path):
    make_up("figure7", [{"row": "l2rw"}], seeds=2, lines=lines)
    assert export(tmp_path, tmp_path / "events") == 2
    for seed in (0, 1):
        found = scalars((tmp_path / "events/split/0" / f"seed-{seed}" / FILE).read_bytes())
        assert found == pytest.approx(
            {
                (100, "train_loss"): seed + 0.5,
                (200, "train_loss"): seed + 0.5,
                (100, "test_error"): 0.01,
            }
        )


def test_the_checksum_is_that_of_tensorflow():
    """The CRC-32C of "123456789" is published as e3069283; the mask is TensorFlow's."""
    crc = 0xE3069283
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert struct.unpack("<I", _checksum(b"123456789")) == (masked,)


def test_a_folder_without_runs_is_named(tmp_path, capsys):
    with pytest.raises(UserError, match="There are no curves in"):
        export(tmp_path, tmp_path / "out")
    assert main(["tensorboard", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "Hint: name a folder such as results/demo." in capsys.readouterr().err
