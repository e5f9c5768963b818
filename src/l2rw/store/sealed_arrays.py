"""Array files that hold the checksum of all their bytes, so that no damage and no edit flows on.

The format is that of NumPy, a zip file, which may end in a comment: the checksum of what comes
before. Files of earlier versions end without; the CRC-32 of every array guards these.
"""

import hashlib
from pathlib import Path
from typing import Any

from l2rw.store.files import replacing

MARK = b"sha256:"
LENGTH = len(MARK) + 64
EMPTY_COMMENT = (0).to_bytes(2, "little")
END, END_LENGTH = b"PK\x05\x06", 22
"""How the last part of a zip file begins, and its length where the comment is empty."""


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write NumPy arrays by name, uncompressed; equal arrays give equal bytes."""
    import numpy as np

    with replacing(path) as partial:
        with partial.open("wb") as file:  # to a name, NumPy adds .npz where that lacks
            np.savez(file, **arrays)
        with partial.open("r+b") as file:
            file.seek(-2, 2)
            if file.read() != EMPTY_COMMENT:
                raise ValueError("NumPy has begun to write comments itself")
            file.seek(-2, 2)
            file.write(LENGTH.to_bytes(2, "little"))
        digest = _digest(partial, partial.stat().st_size)
        with partial.open("ab") as file:
            file.write(MARK + digest)


def verify_arrays(path: Path) -> None:
    """Compare a file with its checksum, if it holds one.

    Raises:
        ValueError: It is damaged or was changed.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - LENGTH, 0))
        held = file.read()
    if held.startswith(MARK):
        if held != MARK + _digest(path, size - LENGTH):
            raise ValueError("its SHA-256 is not the one that it holds")
        return
    last = held[-END_LENGTH:]
    if not (last.startswith(END) and last.endswith(EMPTY_COMMENT)):
        raise ValueError("its end is cut off or damaged")


def _digest(path: Path, end: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while end and (chunk := file.read(min(end, 2**20))):
            digest.update(chunk)
            end -= len(chunk)
    return digest.hexdigest().encode()
