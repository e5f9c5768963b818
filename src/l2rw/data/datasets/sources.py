"""Where images come from: found in a folder or downloaded, always verified by SHA-256.

:func:`fetch` turns a source into one :class:`Dataset` file that every later step reads; nothing
after it knows about source formats, folders or the network.
"""

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.places import Places
from l2rw.store.errors import UserError
from l2rw.store.text import one_line

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where one data set comes from."""

    def is_complete(self) -> bool:
        """Whether all that is needed and can be downloaded is found."""

    def require(self) -> None:
        """Raise :class:`UserError` if something is absent; read no content."""

    def read(self) -> Dataset:
        """Verify and read; raise :class:`UserError` if something is absent or not as published."""

    def check_files(self) -> dict[str, str]:
        """Return, for each file, its place and whether its content is the published one."""


def fetch(name: str, root: Path | None, *, download: bool, cache: Path) -> Dataset:
    """Find, verify and read a data set.

    The order of search is ``root`` (or the environment variable ``L2RW_DATA``), then ``cache``,
    then torchvision's download into ``cache``.

    Args:
        name: A key of :data:`~l2rw.data.datasets.catalog.CATALOG`.
        root: Folder with the source files, directly in it or in a subfolder named as the data set;
            ``~`` is the home folder.
        download: Whether the network may be asked.
        cache: Where downloads are kept.

    Raises:
        UserError: Files are absent, or their content is not the published one.
    """
    places = _places(name, root, cache)
    source: Source = CATALOG.load(name)(places)
    if not source.is_complete() and download:
        _download(places)
    return source.read()


def require(name: str, root: Path | None, *, download: bool, cache: Path) -> None:
    """Look for a data set's files without reading them, before any job starts.

    Raises:
        UserError: ``root`` is not a folder, or files are absent that may not be downloaded.
    """
    places = _places(name, root, cache)
    if places.root is not None and not places.root.is_dir():
        problem = "is not a folder" if places.root.exists() else "does not exist"
        raise UserError(
            f"The folder for data sets, {places.root}, {problem}.",
            "correct data.root in the configuration or the environment variable L2RW_DATA.",
        )
    source: Source = CATALOG.load(name)(places)
    # What is found may be of no use, too: a module that reads it may be absent.
    if source.is_complete() or not download:
        source.require()


def check_files(name: str, root: Path | None, cache: Path) -> dict[str, str]:
    """Return, for each source file, its place and whether its content is the published one."""
    source: Source = CATALOG.load(name)(_places(name, root, cache))
    return source.check_files()


def _places(name: str, root: Path | None, cache: Path) -> Places:
    root = root or (Path(given) if (given := os.environ.get("L2RW_DATA")) else None)
    return Places(name, root and Path(os.path.expanduser(root)), cache)  # noqa: PTH111


def _download(places: Places) -> None:
    """Ask torchvision for the files; where it fails, the source says what lacks."""
    if base := CATALOG[places.name].images_of:
        places = replace(places, name=base)
    kind = CATALOG[places.name].torchvision
    if kind is None:
        return
    import torchvision.datasets

    log.info("No complete %s is in %s: asking torchvision for it.", places.name, places)
    places.downloads.mkdir(parents=True, exist_ok=True)
    try:
        getattr(torchvision.datasets, kind)(places.downloads, download=True)
    except (OSError, RuntimeError) as error:
        log.warning("Download of %s failed: %s", places.name, one_line(error))
