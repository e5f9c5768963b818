"""The folders that are searched for a data set."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOWNLOAD_AGAIN = "replace it by a fresh copy, or delete it to download it again."
"""The hint for whatever is damaged or is not what was published."""


@dataclass(frozen=True)
class Places:
    """The folders of one data set: the user's folder, if any, and that of downloads."""

    name: str
    root: Path | None
    cache: Path

    @property
    def downloads(self) -> Path:
        """The folder for what is downloaded of this data set."""
        return self.cache / self.name

    def folders(self) -> Iterator[Path]:
        """Yield the folders to search, the first first; they need not exist."""
        for base in (self.root, self.cache):
            if base is not None:
                yield from (base / self.name, base)

    def __str__(self) -> str:
        return " or ".join(str(folder) for folder in (self.root, self.downloads) if folder)
