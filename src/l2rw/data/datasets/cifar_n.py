"""CIFAR-10N and CIFAR-100N: the images of CIFAR under labels that people gave (Wei et al. 2022).

The labels come in the authors' file, ``CIFAR-10_human.pt`` or ``CIFAR-100_human.pt`` of
https://github.com/UCSC-REAL/cifar-10-100n, which is pickled, or as an ``.npz`` file of the same
arrays. The images come from wherever CIFAR is found.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.catalog import CATALOG, HUMAN_LABELS, DatasetRecord
from l2rw.data.datasets.content import sha256_of
from l2rw.data.datasets.dataset import Dataset, Labels, OwnLabels
from l2rw.data.datasets.pickles import load_pickle
from l2rw.data.datasets.places import Places
from l2rw.data.datasets.sources import Source
from l2rw.data.splits import read_arrays
from l2rw.store.errors import UserError

CLEAN = "clean_label"
LEGACY_HEAD = 3
"""Pickles before the content in files of PyTorch before 1.6: magic number, protocol, system."""
FRESH = "replace it by a fresh copy from https://github.com/UCSC-REAL/cifar-10-100n."


class CifarN:
    """CIFAR's images, and one of the sets of labels that people gave its training images."""

    def __init__(self, places: Places) -> None:
        """Args: ``places`` are the folders to search."""
        self._places, self._record = places, CATALOG[places.name]
        self._base = _base_of(self._record)
        self._images: Source = CATALOG.load(self._base)(replace(places, name=self._base))

    def is_complete(self) -> bool:
        """Whether the images are found, which alone can be downloaded."""
        return self._images.is_complete()

    def require(self) -> None:
        """Raise :class:`UserError` if labels or images are absent."""
        self._locate()
        self._images.require()

    def check_files(self) -> dict[str, str]:
        """Return the place of the file of labels and whether its content is the published one."""
        path = self._find()
        if path is None:
            return {self._file: "absent"}
        try:
            self._labels(path)
        except UserError as error:
            return {str(path): f"NOT verified. {error}"}
        return {str(path): "verified"}

    def read(self) -> Dataset:
        """Read labels and images; raise :class:`UserError` if one is absent or not as published."""
        given, clean = self._labels(self._locate())
        images = self._images.read()
        if not np.array_equal(images.train_labels, clean):
            raise UserError(
                f"The true labels of {self._file} are not those of {self._base}.", FRESH
            )
        nothing, no_ids = np.array([], dtype=np.int64), np.array([], dtype=np.str_)
        known = np.ones(len(given), dtype=bool)
        own = OwnLabels(given, known, nothing, nothing, no_ids, no_ids)
        return replace(images, name=self._record.name, own=own)

    @property
    def _file(self) -> str:
        (file,) = (name for name in self._record.sha256 if name.endswith(".pt"))
        return file

    @property
    def _key(self) -> str:
        return HUMAN_LABELS[self._record.name]

    def _find(self) -> Path | None:
        arrays = f"{self._base}n.npz"
        together = replace(self._places, name=f"{self._base}n")
        folders = [*self._places.folders(), *together.folders()]
        candidates = (folder / name for folder in folders for name in (self._file, arrays))
        return next((path for path in candidates if path.is_file()), None)

    def _locate(self) -> Path:
        path = self._find()
        if path is None:
            raise UserError(
                f"The labels of {self._record.name} are not in {self._places}.",
                f"get {self._file} from https://github.com/UCSC-REAL/cifar-10-100n, put it into a "
                "folder and name the folder in data.root or in the environment variable L2RW_DATA.",
            )
        return path

    def _labels(self, path: Path) -> tuple[Labels, Labels]:
        """Return the verified labels that people gave, and the true ones."""
        arrays = read_arrays(path) if path.suffix == ".npz" else self._unpickled(path)
        n = sum(self._record.train_class_sizes)
        found = []
        for key in (self._key, CLEAN):
            labels = np.asarray(arrays.get(key))
            if labels.shape != (n,) or labels.dtype.kind not in "iu":
                raise UserError(f"{path} has no {n:,} whole numbers under {key!r}.", FRESH)
            found.append(labels.astype(np.int64))
        known = self._record.arrays.get("given")
        if known is not None and sha256_of(found[0]) != known:
            raise UserError(
                f"The labels {self._key!r} of {path} are not the published ones.", FRESH
            )
        if known is None and path.suffix == ".npz":
            raise UserError(
                f"{path} cannot be verified: {self._record.label} can be verified only in the "
                "authors' file.",
                f"put {self._file} there instead.",
            )
        return found[0], found[1]

    def _unpickled(self, path: Path) -> Mapping[str, NDArray[Any]]:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self._record.sha256[self._file]:
            raise UserError(
                f"{path} is damaged or is not the published {self._file} (its SHA-256 differs).",
                FRESH,
            )
        return unpickle_labels(content, str(path))


def unpickle_labels(content: bytes, where: str) -> Mapping[str, NDArray[Any]]:
    """Return the dictionary of arrays that ``torch.save`` wrote, without what could do harm.

    Args:
        content: Of the file, an archive or, of PyTorch before 1.6, pickles in a row.
        where: What messages call it.

    Raises:
        UserError: It is damaged, or holds something else.
    """
    stream: Any = io.BytesIO(content)
    head = 0
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
            stream = io.BytesIO(archive.read(name))
    else:
        stream.seek(0)
        head = LEGACY_HEAD
    for _ in range(head + 1):
        found = load_pickle(stream, where)
        if isinstance(found, dict) and CLEAN in found:
            return found
    raise UserError(f"{where} holds no labels of CIFAR under {CLEAN!r}.", FRESH)


def _base_of(record: DatasetRecord) -> str:
    assert record.images_of is not None
    return record.images_of
