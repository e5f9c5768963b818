"""CIFAR-10, from whatever container the user has: its content decides, not the file around it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from l2rw.data.datasets.cifar import CIFAR10_BATCHES, join, read_archive, read_batch
from l2rw.data.datasets.content import verified
from l2rw.data.datasets.dataset import Dataset, Half
from l2rw.data.datasets.pictures import (
    CLASSES,
    class_folders,
    read_class_folders,
    read_parquet,
    require_pyarrow,
)
from l2rw.data.datasets.places import Places
from l2rw.store.errors import UserError


@dataclass(frozen=True)
class Found:
    """A container in a folder, maybe without all of its files."""

    path: Path
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Container:
    """One way to keep CIFAR-10 in files."""

    title: str
    """What to put into a folder, as messages say it."""
    find: Callable[[Path], Found | None]
    """Looks into a folder, which may not exist, and reads no content."""
    read: Callable[[Path], dict[str, Half]]
    """Reads what was found, unverified: the halves ``train`` and ``test``."""
    require_reader: Callable[[Path], None] = lambda path: None
    """Raises :class:`UserError` if what reads the container is not installed."""


class Cifar10:
    """The first complete container in the folders that are searched."""

    def __init__(self, places: Places) -> None:
        """Args: ``places`` are the folders to search."""
        self.places = places

    def is_complete(self) -> bool:
        """Whether a container is found with all of its files."""
        return any(not found.missing for _, found in self._search())

    def require(self) -> None:
        """Raise :class:`UserError` if no complete container is there, or none can read it."""
        container, path = self._locate()
        container.require_reader(path)

    def check_files(self) -> dict[str, str]:
        """Return, for the container, its place and whether its content is the published one."""
        if not self.is_complete():
            return {f"none of {ACCEPTED}": "absent"}
        _, path = self._locate()
        try:
            self.read()
        except UserError as error:
            return {str(path): f"NOT verified. {error}"}
        return {str(path): "verified"}

    def read(self) -> Dataset:
        """Read and verify; raise :class:`UserError` if it is absent or not as published."""
        container, path = self._locate()
        return verified("cifar10", container.read(path), str(path))

    def _search(self) -> Iterator[tuple[Container, Found]]:
        for folder in self.places.folders():
            for container in CONTAINERS:
                if found := container.find(folder):
                    yield container, found

    def _locate(self) -> tuple[Container, Path]:
        for container, found in self._search():
            if not found.missing:
                return container, found.path
        incomplete = "".join(
            f" {found.path} is incomplete: it lacks {', '.join(found.missing)}."
            for _, found in self._search()
        )
        raise UserError(
            f"Data set 'cifar10' is not in {self.places}.{incomplete}",
            f"put one of {ACCEPTED} into a folder and name the folder in data.root or in the "
            "environment variable L2RW_DATA.",
        )


def _find_archive(folder: Path) -> Found | None:
    names = (
        f"cifar-10-{version}.tar{compressed}"
        for version in ("python", "binary")
        for compressed in (".gz", "")
    )
    return next((Found(folder / name) for name in names if (folder / name).is_file()), None)


def _read_archive(path: Path) -> dict[str, Half]:
    return read_archive(path, CIFAR10_BATCHES, str(path))


def _batches(title: str, subfolder: str, suffix: str) -> Container:
    """Return the container of unpacked batches, in a folder or in its customary subfolder."""
    files = [f"{batch}{suffix}" for batch in CIFAR10_BATCHES]

    def find(folder: Path) -> Found | None:
        found = []
        for path in (folder, folder / subfolder):
            missing = tuple(file for file in files if not (path / file).is_file())
            if len(missing) < len(files):
                found.append(Found(path, missing))
        return min(found, key=lambda one: len(one.missing), default=None)

    def read(path: Path) -> dict[str, Half]:
        batches = {}
        for file in files:
            with (path / file).open("rb") as stream:
                batches[file.removesuffix(suffix)] = read_batch(stream, file, str(path))
        return join(batches)

    return Container(title, find, read)


def _find_pictures(folder: Path) -> Found | None:
    found = {part: class_folders(folder / part) for part in ("train", "test")}
    if not any(found.values()):
        return None
    missing = (
        f"{part}/{name}"
        for part, folders in found.items()
        for label, name in enumerate(CLASSES)
        if label not in folders
    )
    return Found(folder, tuple(missing))


def _read_pictures(path: Path) -> dict[str, Half]:
    return {part: read_class_folders(path / part) for part in ("train", "test")}


def _parquet_files(folder: Path) -> dict[str, list[Path]]:
    return {part: sorted(folder.glob(f"{part}*.parquet")) for part in ("train", "test")}


def _find_parquet(folder: Path) -> Found | None:
    for path in (folder, folder / "plain_text", folder / "data"):
        files = _parquet_files(path)
        if any(files.values()):
            missing = tuple(f"{part}*.parquet" for part, found in files.items() if not found)
            return Found(path, missing)
    return None


def _read_parquet(path: Path) -> dict[str, Half]:
    return {part: read_parquet(files) for part, files in _parquet_files(path).items()}


CONTAINERS = (
    Container(
        "cifar-10-python.tar.gz or cifar-10-binary.tar.gz (or .tar)", _find_archive, _read_archive
    ),
    _batches("cifar-10-batches-py/ (data_batch_1 … test_batch)", "cifar-10-batches-py", ""),
    _batches("cifar-10-batches-bin/ (data_batch_1.bin …)", "cifar-10-batches-bin", ".bin"),
    Container("train/<class>/*.png with test/<class>/*.png", _find_pictures, _read_pictures),
    Container("train*.parquet with test*.parquet", _find_parquet, _read_parquet, require_pyarrow),
)
"""What is accepted, in the order of search."""
ACCEPTED = ", ".join(container.title for container in CONTAINERS)
