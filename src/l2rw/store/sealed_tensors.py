"""Tensor files that hold the checksum of all their bytes, so that no flipped bit flows on.

The format is that of safetensors, whose header has room for texts. One of them is the checksum of
the file with zeros in its place.
"""

import hashlib
from pathlib import Path
from typing import Any

from l2rw.store.files import replacing, save_tensors

NAME, BLANK = "sha256", "0" * 64
_MARK = f'"{NAME}":"'.encode()


def write_sealed(path: Path, tensors: dict[str, Any], header: dict[str, str]) -> None:
    """Write PyTorch tensors by name, and texts by name, with their checksum."""
    with replacing(path) as partial:
        save_tensors(partial, tensors, header | {NAME: BLANK})
        place = _place(partial)
        digest = _digest(partial, place)
        with partial.open("r+b") as file:
            file.seek(place)
            file.write(digest.encode())


def verify_sealed(path: Path) -> None:
    """Compare a file with its checksum.

    Raises:
        ValueError: It is damaged, or holds none.
        OSError: It cannot be read.
    """
    place = _place(path)
    with path.open("rb") as file:
        file.seek(place)
        held = file.read(len(BLANK))
    if held != _digest(path, place).encode():
        raise ValueError("its SHA-256 is not the one that it holds")


def _place(path: Path) -> int:
    """Return where in the file its checksum is."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > path.stat().st_size:
            raise ValueError("it is cut short")
        found = file.read(size).find(_MARK)
    if found < 0:
        raise ValueError("it holds no checksum")
    return 8 + found + len(_MARK)


def _digest(path: Path, place: int) -> str:
    """Return the checksum of a file with zeros at a place."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(place))
        digest.update(BLANK.encode())
        file.seek(place + len(BLANK))
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
