"""Training curves as TensorBoard reads them, written without its package.

An event file is a sequence of records, each framed by its length and checksums, each a protocol
buffer of a few fields: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from l2rw.store.checksums import verified_of_run
from l2rw.store.errors import UserError
from l2rw.store.files import replacing
from l2rw.store.paths import METRICS, Results, seeds_name

FILE = "events.out.tfevents.0.l2rw"
VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
"""Wire types of protocol buffers."""


def export(results: Path, out: Path) -> int:
    """Write an event file for each run and return how many there are.

    Args:
        results: Folder of a configuration's results.
        out: Folder to write to; runs lie in it by cell and seed.

    Raises:
        UserError: There are no runs, or a file of theirs is damaged.
    """
    runs, count = Results(results).runs, 0
    for path in sorted(runs.glob(f"*/*/*/{METRICS}")):
        cell = path.parents[1].relative_to(runs).as_posix()
        for seed, curves in pd.read_csv(verified_of_run(path, cell)).groupby("seed"):
            folder = out / cell / seeds_name(int(str(seed)))
            with replacing(folder / FILE) as partial:
                partial.write_bytes(b"".join(_events(curves)))
            count += 1
    if not count:
        raise UserError(f"There are no curves in {runs}.", "name a folder such as results/demo.")
    return count


def _events(curves: pd.DataFrame) -> Iterator[bytes]:
    """Yield the records of a run: the version of the format, then each evaluation."""
    yield _record(_field(1, DOUBLE, struct.pack("<d", 0.0)) + _text(3, "brain.Event:2"))
    names = [name for name in curves.columns if name not in ("seed", "step")]
    for line in curves.to_dict("records"):
        values = (_value(name, float(line[name])) for name in names if pd.notna(line[name]))
        step = int(line["step"])
        time = _field(1, DOUBLE, struct.pack("<d", float(step)))
        yield _record(time + _field(2, VARINT, _varint(step)) + _message(5, values))


def _value(name: str, value: float) -> bytes:
    return _message(1, [_text(1, name), _field(2, FLOAT, struct.pack("<f", value))])


def _text(number: int, text: str) -> bytes:
    return _message(number, [text.encode()])


def _message(number: int, parts: Iterable[bytes]) -> bytes:
    content = b"".join(parts)
    return _field(number, BYTES, _varint(len(content)) + content)


def _field(number: int, wire_type: int, content: bytes) -> bytes:
    return _varint(number << 3 | wire_type) + content


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    """Return the masked CRC-32C of TensorFlow's records."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 * (byte & 1)
    return byte


TABLE = [_table_entry(byte) for byte in range(256)]
