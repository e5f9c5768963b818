"""The formats that CIFAR-10 and CIFAR-100 were published in, and CIFAR-100, read from its archive.

A file of a batch is a pickled dictionary, or, named ``.bin``, a sequence of records of one byte for
the label and 3,072 for the image. See https://www.cs.toronto.edu/~kriz/cifar.html.
"""

import io
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import numpy as np

from l2rw.data.datasets.dataset import Dataset, Half
from l2rw.data.datasets.pickles import load_pickle
from l2rw.data.datasets.places import DOWNLOAD_AGAIN
from l2rw.data.datasets.published import PublishedFiles
from l2rw.store.errors import UserError

PIXELS = 3 * 32 * 32
CIFAR10_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
CIFAR100_BATCHES = ("train", "test")


class Cifar100(PublishedFiles):
    """CIFAR-100 with its fine labels, from the python archive, verified before it is unpickled."""

    def read(self) -> Dataset:
        """Verify and read the archive; raise :class:`UserError` if it is absent or damaged."""
        (archive,) = self.info.sha256
        content = io.BytesIO(self.content(archive))
        halves = read_archive(content, CIFAR100_BATCHES, str(self.locate(archive)))
        return Dataset("cifar100", *halves["train"], *halves["test"])


def read_archive(archive: Path | IO[bytes], batches: Iterable[str], where: str) -> dict[str, Half]:
    """Read a tar archive of batches, compressed or not; nothing is unpacked to disk.

    Args:
        archive: Its file.
        batches: Names of the batches that it must hold, in any folder, with or without ``.bin``.
        where: What messages call the archive.

    Raises:
        UserError: The archive is damaged or lacks a batch.
    """
    opened = {"name": archive} if isinstance(archive, Path) else {"fileobj": archive}
    found = {}
    try:
        with tarfile.open(**opened) as files:
            for member in files:
                name = Path(member.name).name
                stream = files.extractfile(member) if member.isfile() else None
                if stream is not None and name.removesuffix(".bin") in batches:
                    found[name.removesuffix(".bin")] = read_batch(stream, name, where)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise UserError(
            f"{where} is damaged or not a tar archive ({type(error).__name__}: {reason}).",
            DOWNLOAD_AGAIN,
        ) from None
    if missing := [batch for batch in batches if batch not in found]:
        raise UserError(f"{where} lacks {', '.join(missing)}.", DOWNLOAD_AGAIN)
    return join(found)


def read_batch(stream: IO[bytes], name: str, where: str) -> Half:
    """Read one batch, a pickle or, if ``name`` ends so, a ``.bin`` file.

    Raises:
        UserError: It is not in the published format.
    """
    read: Callable[[IO[bytes], str], Half] = _read_bin if name.endswith(".bin") else _read_pickle
    return read(stream, f"{name} of {where}")


def join(batches: dict[str, Half]) -> dict[str, Half]:
    """Put batches by name together, those that are not for testing in the order of their names."""
    parts: dict[str, list[Half]] = {"train": [], "test": []}
    for name in sorted(batches):
        parts["test" if name.startswith("test") else "train"].append(batches[name])
    return {
        part: Half(*(np.concatenate(arrays) for arrays in zip(*halves, strict=True)))
        for part, halves in parts.items()
    }


def _read_pickle(stream: IO[bytes], where: str) -> Half:
    batch = load_pickle(stream, where)
    if not isinstance(batch, dict):
        raise _no_batch(where, f"a {type(batch).__name__} instead of a dictionary")
    # Python 3 may have pickled it again, with texts as keys.
    values = {key.decode("latin1") if isinstance(key, bytes) else key: batch[key] for key in batch}
    images = values.get("data")
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.size % PIXELS:
        raise _no_batch(where, "no images under 'data'")
    labels = values.get("fine_labels", values.get("labels"))
    try:
        labels = np.asarray(labels).astype(np.int64, casting="safe")
    except (TypeError, ValueError):
        raise _no_batch(where, "no labels") from None
    if labels.shape != (images.size // PIXELS,):
        raise _no_batch(where, f"labels of the shape {labels.shape} for images of {images.shape}")
    return Half(images.reshape(-1, 3, 32, 32), labels)


def _read_bin(stream: IO[bytes], where: str) -> Half:
    content = stream.read()
    records, rest = divmod(len(content), 1 + PIXELS)
    if rest or not records:
        raise _no_batch(where, f"{len(content)} bytes, no multiple of {1 + PIXELS}")
    table = np.frombuffer(content, np.uint8).reshape(records, 1 + PIXELS)
    return Half(table[:, 1:].reshape(-1, 3, 32, 32), table[:, 0].astype(np.int64))


def _no_batch(where: str, found: str) -> UserError:
    return UserError(f"{where} is not a batch of CIFAR: it contains {found}.", DOWNLOAD_AGAIN)
