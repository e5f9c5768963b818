"""Where images come from: found in a folder or downloaded, always verified by SHA-256.

:func:`fetch` turns a source into one :class:`Dataset` file that every later step reads; nothing
after it knows about source formats, folders or the network.
"""

import gzip
import hashlib
import io
import logging
import os
import pickle
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from l2rw.data.catalog import CATALOG, DatasetInfo
from l2rw.data.splits import read_arrays
from l2rw.errors import UserError

log = logging.getLogger(__name__)

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Images (n, channels, height, width) uint8 and labels (n,) int64, for training and test."""

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels

    @property
    def info(self) -> DatasetInfo:
        """Facts of the data set."""
        return CATALOG[self.name]

    def save(self, path: Path) -> None:
        """Write one uncompressed ``.npz``, atomically."""
        partial = path.with_suffix(".partial.npz")
        arrays = {k: v for k, v in vars(self).items() if k != "name"}
        np.savez(partial, name=np.array(self.name), **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read what :meth:`save` wrote; raise :class:`UserError` if the file is damaged."""
        arrays = read_arrays(path)
        return cls(name=str(arrays.pop("name")), **arrays)


def fetch(name: str, root: Path | None, *, download: bool, cache: Path) -> Dataset:
    """Find, verify and read a data set.

    The order of search is ``root`` (or the environment variable ``L2RW_DATA``), then ``cache``,
    then torchvision's download into ``cache``.

    Args:
        name: A key of :data:`~l2rw.data.catalog.CATALOG`.
        root: Folder with the source files, directly in it or in a subfolder named as the data set.
        download: Whether the network may be asked.
        cache: Where downloads are kept.

    Raises:
        UserError: Files are absent, or their content is not the published one.
    """
    if name == "digits":
        return _read_digits()
    source = FileSource(name, root or _root_from_environment(), cache)
    if not source.is_complete() and download:
        source.download()
    return READERS[name](source)


def require(name: str, root: Path | None, *, download: bool, cache: Path) -> None:
    """Look for a data set's files without reading them, before any job starts.

    Raises:
        UserError: ``root`` is no folder, or files are absent that may not be downloaded.
    """
    root = root or _root_from_environment()
    if root is not None and not root.is_dir():
        raise UserError(
            f"The folder for data sets, {root}, does not exist.",
            "mend data.root in the configuration or the environment variable L2RW_DATA.",
        )
    if name != "digits" and not download:
        source = FileSource(name, root, cache)
        for file in CATALOG[name].sha256:
            source.locate(file)


def verdicts(name: str, root: Path | None, cache: Path) -> dict[str, str]:
    """Say of each source file where it lies and whether its content is the published one."""
    if name == "digits":
        _read_digits()
        return {"embedded in scikit-learn": "verified"}
    source = FileSource(name, root or _root_from_environment(), cache)
    result = {}
    for file in CATALOG[name].sha256:
        path = source.find(file)
        if path is None:
            result[file] = "absent"
        else:
            good = source.matches(file, _content(path, file))
            result[str(path)] = "verified" if good else "NOT the published content"
    return result


def _root_from_environment() -> Path | None:
    root = os.environ.get("L2RW_DATA")
    return Path(root) if root else None


class FileSource:
    """The published files of one data set, looked for in a user's folder and in the cache."""

    def __init__(self, name: str, root: Path | None, cache: Path) -> None:
        """Args: ``root`` is the user's folder, if any; ``cache`` keeps downloads."""
        self.info = CATALOG[name]
        self.root = root
        self.cache = cache

    def find(self, file: str) -> Path | None:
        """Return where a file lies, plain or gzipped, or None."""
        candidates = (folder / name for folder in self._folders() for name in (file, f"{file}.gz"))
        return next((path for path in candidates if path.is_file()), None)

    def is_complete(self) -> bool:
        """Whether every file is found."""
        return all(self.find(file) for file in self.info.sha256)

    def matches(self, file: str, content: bytes) -> bool:
        """Whether content is what was published."""
        return hashlib.sha256(content).hexdigest() == self.info.sha256[file]

    def locate(self, file: str) -> Path:
        """Return where a file lies; raise :class:`UserError` if it is nowhere."""
        path = self.find(file)
        if path is None:
            raise UserError(
                f"Data set {self.info.name!r} is incomplete: {file} is not in "
                f"{' or '.join(str(f) for f in (self.root, self.cache / self.info.name) if f)}.",
                f"put {', '.join(self.info.sha256)} (plain or .gz) into one folder and name it in "
                "data.root or in the environment variable L2RW_DATA.",
            )
        return path

    def read(self, file: str) -> bytes:
        """Return a file's verified, decompressed content."""
        path = self.locate(file)
        content = _content(path, file)
        if not self.matches(file, content):
            raise UserError(
                f"{path} is damaged or is not the published {file} (its SHA-256 differs).",
                "replace the file by a fresh copy, or delete it to download it again.",
            )
        return content

    def download(self) -> None:
        """Ask torchvision for the files; where it fails, :meth:`read` says what lacks."""
        import torchvision.datasets

        classes = {"mnist": "MNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}
        dataset = getattr(torchvision.datasets, classes[self.info.name])
        folder = self.cache / self.info.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            dataset(folder, download=True)
        except (OSError, RuntimeError) as error:
            log.warning("Download of %s failed: %s", self.info.name, " ".join(str(error).split()))

    def _folders(self) -> Iterator[Path]:
        for base in (self.root, self.cache):
            if base is not None:
                own = base / self.info.name
                yield from (base, own, own / "MNIST" / "raw", base / "MNIST" / "raw")


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


def _read_digits() -> Dataset:
    """The handwritten digits that ship with scikit-learn: 1,797 real images of 8×8 pixels.

    They come without a test part: every fourth image of a class is for testing.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int64)
    (published,) = CATALOG["digits"].sha256.values()
    if hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() != published:
        raise UserError(
            "The digits embedded in the installed scikit-learn are not the known ones.",
            "reinstall scikit-learn as requirements.lock pins it.",
        )
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        test[np.flatnonzero(labels == label)[3::4]] = True
    return Dataset("digits", images[~test], labels[~test], images[test], labels[test])


def _read_mnist(source: FileSource) -> Dataset:
    def images(file: str) -> Images:
        content = source.read(file)
        _, count, height, width = struct.unpack(">4i", content[:16])
        return np.frombuffer(content, np.uint8, offset=16).reshape(count, 1, height, width)

    def labels(file: str) -> Labels:
        return np.frombuffer(source.read(file), np.uint8, offset=8).astype(np.int64)

    return Dataset(
        "mnist",
        images("train-images-idx3-ubyte"),
        labels("train-labels-idx1-ubyte"),
        images("t10k-images-idx3-ubyte"),
        labels("t10k-labels-idx1-ubyte"),
    )


def _read_cifar(source: FileSource) -> Dataset:
    """CIFAR-10 or CIFAR-100 (fine labels) from the python archive, verified before unpickling."""
    (archive,) = source.info.sha256
    content = source.read(archive)
    batches: dict[str, tuple[Images, Labels]] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        for member in sorted(files.getmembers(), key=lambda m: m.name):
            part = Path(member.name).name
            stream = files.extractfile(member)
            if stream is not None and part.startswith(("data_batch", "test", "train")):
                batch = pickle.load(stream, encoding="bytes")
                given = batch.get(b"fine_labels", batch.get(b"labels"))
                images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32)
                batches[part] = images, np.asarray(given, np.int64)
    train = [batch for part, batch in batches.items() if not part.startswith("test")]
    test = [batch for part, batch in batches.items() if part.startswith("test")]
    return Dataset(
        source.info.name,
        *(np.concatenate(arrays) for arrays in zip(*train, strict=True)),
        *(np.concatenate(arrays) for arrays in zip(*test, strict=True)),
    )


READERS: dict[str, Callable[[FileSource], Dataset]] = {
    "mnist": _read_mnist,
    "cifar10": _read_cifar,
    "cifar100": _read_cifar,
}
