"""Archives put together again, in a folder of their own, before anything is adopted."""

import json
import re
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from l2rw.away.packing import MANIFEST, Piece
from l2rw.store.checksums import sha256
from l2rw.store.errors import UserError, why
from l2rw.store.paths import RUN_FILES, seeds_name

NAME = r"[^/.\\\0][^/\\\0]*"  # neither hidden nor `..`
SEEDS = seeds_name(r"(?P<seeds>\d+(?:-\d+)?)")
RUN = re.compile(
    rf"results/(?P<configuration>{NAME})/runs/(?P<cell>{NAME}/{NAME})/{SEEDS}/(?P<file>{NAME})"
)
CHECKPOINT = re.compile(
    rf"checkpoints/(?P<configuration>{NAME})/(?P<cell>{NAME}/{NAME})/{SEEDS}\.safetensors"
)
DIGEST = re.compile("[0-9a-f]{64}")


class ForeignArchiveError(UserError):
    """A pack holds what no pack of ours does: nothing of it is touched."""

    def __init__(self, archive: Path, what: str) -> None:
        """Args: ``what`` it holds."""
        super().__init__(
            f"{archive} is not what `l2rw run-for --pack` writes: {what}. Nothing was adopted.",
            "ask whoever gave it to you.",
        )


class Staging:
    """The files of packs, put together from their pieces in a folder."""

    def __init__(self, folder: Path) -> None:
        """Args: ``folder`` is empty."""
        self._folder = folder
        self.problems: list[str] = []
        """What is wrong with the archives, in sentences."""
        self._expected: dict[Path, Piece] = {}
        self._there: dict[Path, dict[int, int]] = {}
        """By file, where its pieces start, and their sizes."""

    def unpack(self, archive: Path) -> None:
        """Add the pieces of an archive, as far as it can be read.

        Raises:
            ForeignArchiveError: It holds something else.
        """
        try:
            with tarfile.open(archive, "r:gz") as tar:
                members = iter(tar)
                pieces = self._manifest(archive, tar, next(members, None))
                for path, piece in pieces.values():
                    self._expected[path] = piece
                for member in members:
                    if not member.isreg() or member.name not in pieces:
                        raise ForeignArchiveError(archive, f"{member.name!r} is a link or unlisted")
                    self._add(tar, member, *pieces.pop(member.name))
            if pieces:
                self.problems.append(f"{archive} is damaged (it lacks {len(pieces)} of its pieces)")
        except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
            refused = isinstance(error, OSError) and error.strerror
            what = "cannot be read" if refused else "is damaged"
            self.problems.append(f"{archive} {what} ({why(error)})")

    def _manifest(
        self, archive: Path, tar: tarfile.TarFile, member: tarfile.TarInfo | None
    ) -> dict[str, tuple[Path, Piece]]:
        """Return where each member belongs."""
        if member is None or member.name != MANIFEST or not member.isreg():
            raise ForeignArchiveError(archive, f"it does not start with {MANIFEST}")
        file = tar.extractfile(member)
        assert file is not None
        try:
            content: dict[str, Any] = json.loads(file.read())
            pack = str(content["pack"])
            pieces = [Piece(**piece) for piece in content["pieces"]]
            good = DIGEST.fullmatch(pack) and all(map(_is_good, pieces))
        except (ValueError, KeyError, TypeError) as error:
            raise ForeignArchiveError(archive, f"its {MANIFEST} cannot be read ({error})") from None
        if not good:
            raise ForeignArchiveError(archive, f"its {MANIFEST} names other files")
        return {piece.name: (self._folder / pack / piece.file, piece) for piece in pieces}

    def _add(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, piece: Piece) -> None:
        file = tar.extractfile(member)
        assert file is not None
        content = file.read()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as staged:
            staged.seek(piece.start)
            staged.write(content)
        self._there.setdefault(path, {})[piece.start] = len(content)

    def whole(self) -> Iterator[tuple[str, Path]]:
        """Yield what is whole, runs as folders, checkpoints as files, after its path in the pack.

        Every other one becomes a problem.
        """
        bundles: defaultdict[Path, list[Path]] = defaultdict(list)
        for path, piece in self._expected.items():
            bundles[path.parent if RUN.fullmatch(piece.file) else path].append(path)
        for place, paths in bundles.items():
            name = place.relative_to(self._folder).as_posix().partition("/")[2]
            complete = paths == [place] or len(paths) == len(RUN_FILES)
            if complete and all(map(self._is_whole, paths)):
                yield name, place
            else:
                self.problems.append(f"{name} is damaged, or a part of its pack is missing")

    def _is_whole(self, path: Path) -> bool:
        piece = self._expected[path]
        sizes = self._there.get(path, {})
        return sum(sizes.values()) == piece.size and sha256(path) == piece.sha256


def _is_good(piece: Piece) -> bool:
    """Whether a piece is of a file that a pack may hold, and lies within it."""
    run = RUN.fullmatch(piece.file)
    expected = run["file"] in RUN_FILES if run else CHECKPOINT.fullmatch(piece.file) is not None
    return expected and 0 <= piece.start <= piece.size
