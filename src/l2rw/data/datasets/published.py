"""Data sets read from the very files that were published, known by the SHA-256 of each."""

import gzip
import hashlib
import zlib
from pathlib import Path

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.places import DOWNLOAD_AGAIN, Places
from l2rw.store.errors import UserError


class PublishedFiles:
    """The published files of one data set, plain or gzipped; a reader derives from it."""

    subfolders: tuple[str, ...] = ("",)
    """Where the files may be, relative to the folders that are searched."""

    def __init__(self, places: Places) -> None:
        """Args: ``places`` name the data set and the folders to search."""
        self.info = CATALOG[places.name]
        self.places = places

    def is_complete(self) -> bool:
        """Whether every file is found."""
        return all(self.find(file) for file in self.info.sha256)

    def require(self) -> None:
        """Raise :class:`UserError` if a file is absent; read none."""
        for file in self.info.sha256:
            self.locate(file)

    def check_files(self) -> dict[str, str]:
        """Return, for each file, its place and whether its content is the published one."""
        result = {}
        for file in self.info.sha256:
            path = self.find(file)
            if path is None:
                result[file] = "absent"
            else:
                good = self._matches(file, _content(path, file))
                result[str(path)] = "verified" if good else "NOT the published content"
        return result

    def find(self, file: str) -> Path | None:
        """Return the path of a file, plain or gzipped, or None."""
        candidates = (
            folder / below / name
            for folder in self.places.folders()
            for below in self.subfolders
            for name in (file, f"{file}.gz")
        )
        return next((path for path in candidates if path.is_file()), None)

    def locate(self, file: str) -> Path:
        """Return the path of a file; raise :class:`UserError` if it is absent."""
        path = self.find(file)
        if path is None:
            raise UserError(
                f"Data set {self.info.name!r} is incomplete: {file} is not in {self.places}.",
                f"put {', '.join(self.info.sha256)} (plain or .gz) into one folder and name it in "
                "data.root or in the environment variable L2RW_DATA.",
            )
        return path

    def content(self, file: str) -> bytes:
        """Return a file's verified, decompressed content.

        Raises:
            UserError: The file is absent, or its content is not the published one.
        """
        path = self.locate(file)
        content = _content(path, file)
        if not self._matches(file, content):
            raise UserError(
                f"{path} is damaged or is not the published {file} (its SHA-256 differs).",
                DOWNLOAD_AGAIN,
            )
        return content

    def _matches(self, file: str, content: bytes) -> bool:
        return hashlib.sha256(content).hexdigest() == self.info.sha256[file]


def _content(path: Path, file: str) -> bytes:
    """Return a file's content; nothing, whose checksum matches nothing, if it is damaged."""
    content = path.read_bytes()
    # A .gz beside the published name is ours to unpack; one within it is the published file itself.
    if path.name != f"{file}.gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return b""
