"""Results and checkpoints packed into a few files of limited size, to travel.

``part-1.tar.gz`` and so on are ordinary tar files. Each starts with ``manifest.json``, which says
of every member which file it is a piece of, where the piece starts, and the file's size and
SHA-256. A file of some MiB comes in several pieces, which may lie in several parts. Every piece is
a gzip member of its own, so that its packed size is known before it is given a place.
"""

import gzip
import hashlib
import json
import tarfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from l2rw.store.errors import UserError
from l2rw.store.files import replacing
from l2rw.store.paths import RUN_FILES

MANIFEST = "manifest.json"
PIECE_BYTES = 4 * 2**20
OVERHEAD = 4096
"""Bytes of a part that are no piece and no line of the manifest, at most."""


@dataclass(frozen=True)
class Bundle:
    """Files that travel together or not at all, by the paths that they have in the pack."""

    name: str
    files: tuple[Path, ...]
    rank: int
    """Those of lower rank are packed first."""

    @classmethod
    def of_run(cls, out: Path) -> "Bundle":
        """Return the bundle of a finished run, given its folder."""
        return cls(out.as_posix(), tuple(out / name for name in RUN_FILES), 0)

    @classmethod
    def of_checkpoint(cls, path: Path) -> "Bundle":
        """Return the bundle of a checkpoint."""
        return cls(path.as_posix(), (path,), 1)

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(path.stat().st_size for path in self.files)


@dataclass(frozen=True)
class Limits:
    """How much may travel."""

    part_bytes: int
    parts: int = 8


@dataclass(frozen=True)
class Piece:
    """A member of a part, as the manifest describes it."""

    name: str
    """Of the member."""
    file: str
    """Path of the file that this is a piece of."""
    start: int
    """Where it starts in the file."""
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file."""


@dataclass
class _Part:
    pieces: list[Piece] = field(default_factory=list)
    members: list[bytes] = field(default_factory=list)
    bytes: int = OVERHEAD


def require_no_parts(folder: Path) -> None:
    """Look for parts of an earlier pack, before the time is spent.

    Raises:
        UserError: There are some: they are not overwritten.
    """
    there = sorted(folder.glob("part-*.tar.gz"))
    if there:
        raise UserError(
            f"{there[0]} exists already, from an earlier pack.", "give --pack another folder."
        )


def pack(
    bundles: Sequence[Bundle], folder: Path, limits: Limits, until: float
) -> tuple[list[Path], dict[str, str]]:
    """Pack as much as fits.

    Args:
        bundles: What to pack: runs before checkpoints, small ones before large ones.
        folder: Where to write the parts.
        limits: How much may travel.
        until: When to begin no other bundle, by the monotonic clock.

    Returns:
        The parts, and by the names of the bundles that were left out, why.
    """
    parts: list[_Part] = []
    left_out: dict[str, str] = {}
    for bundle in sorted(bundles, key=lambda one: (one.rank, one.bytes)):
        if time.monotonic() > until:
            left_out[bundle.name] = "the time was over"
        elif not _place(bundle, parts, limits, until):
            left_out[bundle.name] = f"no room for its {bundle.bytes / 2**20:.1f} MiB"
    return _write(parts, folder), left_out


def _place(bundle: Bundle, parts: list[_Part], limits: Limits, until: float) -> bool:
    """Give all pieces of a bundle a place, or none."""
    placed: list[_Part] = []
    for path in bundle.files:
        content = path.read_bytes()
        checksum = hashlib.sha256(content).hexdigest()
        for start in range(0, max(len(content), 1), PIECE_BYTES):
            whole = len(content) <= PIECE_BYTES
            name = path.as_posix() if whole else f"{path.as_posix()}@{start}"
            piece = Piece(name, path.as_posix(), start, len(content), checksum)
            member = _member(name, content[start : start + PIECE_BYTES])
            takes = len(member) + len(_line(piece))
            part = next((p for p in parts if p.bytes + takes <= limits.part_bytes), None)
            if part is None and len(parts) < limits.parts:
                part = _Part()
                parts.append(part)
            if part is None or part.bytes + takes > limits.part_bytes or time.monotonic() > until:
                _take_back(placed, parts)
                return False
            part.pieces.append(piece)
            part.members.append(member)
            part.bytes += takes
            placed.append(part)
    return True


def _take_back(placed: list[_Part], parts: list[_Part]) -> None:
    for part in placed:
        part.bytes -= len(part.members.pop()) + len(_line(part.pieces.pop()))
    parts[:] = [part for part in parts if part.members]


def _write(parts: list[_Part], folder: Path) -> list[Path]:
    files = sorted({(piece.file, piece.sha256) for part in parts for piece in part.pieces})
    identity = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    paths = []
    for number, part in enumerate(parts, start=1):
        head = {"pack": identity, "part": number, "parts": len(parts)}
        lines = ",\n".join(_line(piece) for piece in part.pieces)
        manifest = f'{json.dumps(head)[:-1]}, "pieces": [\n{lines}\n]}}\n'
        end = gzip.compress(bytes(2 * tarfile.BLOCKSIZE), 1, mtime=0)
        path = folder / f"part-{number}.tar.gz"
        with replacing(path) as partial, partial.open("wb") as file:
            file.writelines([_member(MANIFEST, manifest.encode()), *part.members, end])
        paths.append(path)
    return paths


def _member(name: str, content: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    header = info.tobuf(tarfile.PAX_FORMAT)
    return gzip.compress(b"".join((header, content, padding)), 1, mtime=0)


def _line(piece: Piece) -> str:
    return json.dumps(asdict(piece))
