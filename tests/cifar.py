"""Small archives in the format of CIFAR-10 and CIFAR-100, and data sets read from them."""

import gzip
import io
import pickle
import pickletools
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l2rw.data.datasets import content
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.cifar import CIFAR10_BATCHES, CIFAR100_BATCHES, read_archive
from l2rw.data.datasets.content import digests_of, sha256_of
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Indices

FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
"""The folder that each published archive holds."""


def archive_file(name: str) -> str:
    """Return the published name of a data set's archive."""
    (file,) = CATALOG[name].sha256
    return file


def write_archive(folder: Path, name: str, train_size: int, test_size: int, seed: int) -> Path:
    """Write an archive of random images under its published name.

    Args:
        folder: Where to write it; made if absent.
        name: ``cifar10`` or ``cifar100``.
        train_size: Training images, of each class as many or one more.
        test_size: Test images, likewise.
        seed: Determines images and labels.
    """
    random = np.random.default_rng(seed)

    def labels(size: int) -> Indices:
        return random.permutation(np.arange(size) % CATALOG[name].classes)

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / archive_file(name)
    path.write_bytes(pack(name, members(name, labels(train_size), labels(test_size), random)))
    return path


def dataset_from_archive(archive: Path) -> Dataset:
    """Read an archive as if it were the published one."""
    name = next(name for name, info in CATALOG.items() if archive.name in info.sha256)
    batches = CIFAR10_BATCHES if name == "cifar10" else CIFAR100_BATCHES
    halves = read_archive(archive, batches, str(archive))
    return Dataset(name, *halves["train"], *halves["test"])


def publish_content(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    """Make the catalog expect the arrays of a data set, whatever file holds them."""
    arrays = {field: sha256_of(getattr(dataset, field)) for field in CATALOG[dataset.name].arrays}
    monkeypatch.setitem(
        CATALOG.built_in, dataset.name, replace(CATALOG[dataset.name], arrays=arrays)
    )
    known = {"train": digests_of(dataset.train_images), "test": digests_of(dataset.test_images)}
    monkeypatch.setattr(content, "published_images", lambda name: known)


def members(
    name: str, train: Indices, test: Indices, random: np.random.Generator
) -> dict[str, bytes]:
    """Return the files of an archive in their published order, given true labels (n,) and (m,)."""
    names = [b"class %d" % label for label in range(CATALOG[name].classes)]
    if name == "cifar100":
        return {
            "file.txt~": b"",
            "train": _batch(b"fine_labels", train, random),
            "test": _batch(b"fine_labels", test, random),
            "meta": pickled({b"fine_label_names": names, b"coarse_label_names": names[:20]}),
        }
    batches = [_batch(b"labels", part, random) for part in np.array_split(train, 5)]
    return {
        "data_batch_4": batches[3],
        "readme.html": b"<html></html>",
        "test_batch": _batch(b"labels", test, random),
        "data_batch_3": batches[2],
        "batches.meta": pickled({b"label_names": names}),
        "data_batch_2": batches[1],
        "data_batch_5": batches[4],
        "data_batch_1": batches[0],
    }


def pack(name: str, files: Mapping[str, bytes]) -> bytes:
    """Return an archive with the given files in its published folder."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        folder = tarfile.TarInfo(FOLDERS[name])
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for file, content in files.items():
            member = tarfile.TarInfo(f"{FOLDERS[name]}/{file}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(archive.getvalue(), 1, mtime=0)


def pickled(content: object) -> bytes:
    """Pickle as Python 2 and its NumPy did, which made the published archives."""
    result = bytearray(pickle.dumps(content, protocol=3))
    result[1] = 2
    # Byte strings and texts of today were of one type; they are told apart by a letter alone.
    former = {"B": b"T", "C": b"U", "X": b"T"}
    for opcode, _, place in pickletools.genops(bytes(result)):
        if place is not None and opcode.code in former:
            result[place : place + 1] = former[opcode.code]
    return bytes(result).replace(b"cnumpy._core.", b"cnumpy.core.")


def _batch(key: bytes, labels: Indices, random: np.random.Generator) -> bytes:
    """Images whose red plane is their label, the green one their label + 100, the blue random."""
    red = np.repeat(labels[:, None], 1024, axis=1)
    blue = random.integers(256, size=(len(labels), 1024))
    batch: dict[bytes, object] = {
        b"filenames": [b"image_%d.png" % number for number in range(len(labels))],
        b"batch_label": b"batch 1 of 1",
        key: labels.tolist(),
        b"data": np.concatenate([red, red + 100, blue], axis=1).astype(np.uint8),
    }
    if key == b"fine_labels":
        batch[b"coarse_labels"] = (labels // 5).tolist()
    return pickled(batch)
