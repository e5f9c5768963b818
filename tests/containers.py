"""CIFAR-10, or small data like it, written in each of the containers that are accepted."""

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2rw.data.datasets.cifar import CIFAR10_BATCHES
from l2rw.data.datasets.dataset import Dataset, Half, Images
from l2rw.data.datasets.pictures import CLASSES
from tests.cifar import pack, pickled


def small_cifar10(train_size: int = 25, test_size: int = 22) -> Dataset:
    """Return random images and labels, every class among both."""
    random = np.random.default_rng(0)

    def half(size: int) -> Half:
        images = random.integers(256, size=(size, 3, 32, 32), dtype=np.uint8)
        return Half(images, random.permutation(np.arange(size) % 10))

    return Dataset("cifar10", *half(train_size), *half(test_size))


def shuffled(dataset: Dataset) -> Dataset:
    """Return the same images with their labels in another order."""
    random = np.random.default_rng(1)
    train = random.permutation(len(dataset.train_labels))
    test = random.permutation(len(dataset.test_labels))
    return replace(
        dataset,
        train_images=dataset.train_images[train],
        train_labels=dataset.train_labels[train],
        test_images=dataset.test_images[test],
        test_labels=dataset.test_labels[test],
    )


def _batches(dataset: Dataset) -> Iterator[tuple[str, Half]]:
    *train, test = CIFAR10_BATCHES
    parts = (np.array_split(a, 5) for a in (dataset.train_images, dataset.train_labels))
    for name, images, labels in zip(train, *parts, strict=True):
        yield name, Half(images, labels)
    yield test, Half(dataset.test_images, dataset.test_labels)


def _halves(dataset: Dataset) -> dict[str, Half]:
    return {
        "train": Half(dataset.train_images, dataset.train_labels),
        "test": Half(dataset.test_images, dataset.test_labels),
    }


def _pickles(dataset: Dataset) -> dict[str, bytes]:
    return {
        name: pickled({b"data": images.reshape(-1, 3072), b"labels": labels.tolist()})
        for name, (images, labels) in reversed(list(_batches(dataset)))
    }


def _records(dataset: Dataset) -> dict[str, bytes]:
    return {
        f"{name}.bin": np.column_stack(
            [labels.astype(np.uint8), images.reshape(-1, 3072)]
        ).tobytes()
        for name, (images, labels) in _batches(dataset)
    }


def _files(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _python_tar_gz(dataset: Dataset, folder: Path) -> None:
    _files(folder, {"cifar-10-python.tar.gz": pack("cifar10", _pickles(dataset))})


def _python_tar(dataset: Dataset, folder: Path) -> None:
    archive = gzip.decompress(pack("cifar10", _pickles(dataset)))
    _files(folder, {"cifar-10-python.tar": archive})


def _binary_tar_gz(dataset: Dataset, folder: Path) -> None:
    folder.mkdir(parents=True)
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz", compresslevel=1) as tar:
        for name, content in _records(dataset).items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _picture(image: Images) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _pictures(dataset: Dataset, folder: Path, names: tuple[str, ...]) -> None:
    for part, half in _halves(dataset).items():
        for place, (image, label) in enumerate(zip(*half, strict=True)):
            below = folder / part / names[label]
            below.mkdir(parents=True, exist_ok=True)
            (below / f"{place}.png").write_bytes(_picture(image))


def _parquet(dataset: Dataset, folder: Path, column: str = "img") -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which reads parquet, is optional")
    from pyarrow import parquet

    folder.mkdir(parents=True)
    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    for part, (images, labels) in _halves(dataset).items():
        for shard, places in enumerate(np.array_split(np.arange(len(labels)), 2)):
            rows = [{"bytes": _picture(image), "path": None} for image in images[places]]
            columns = {column: pyarrow.array(rows, picture), "label": labels[places]}
            name = f"{part}-{shard:05}-of-00002.parquet"
            parquet.write_table(pyarrow.table(columns), folder / name)


WRITERS: dict[str, Callable[[Dataset, Path], None]] = {
    "python archive": _python_tar_gz,
    "python archive, not compressed": _python_tar,
    "python batches": lambda data, folder: _files(folder, _pickles(data)),
    "python batches, in their folder": lambda data, folder: _files(
        folder / "cifar-10-batches-py", _pickles(data)
    ),
    "binary archive": _binary_tar_gz,
    "binary batches": lambda data, folder: _files(folder, _records(data)),
    "binary batches, in their folder": lambda data, folder: _files(
        folder / "cifar-10-batches-bin", _records(data)
    ),
    "pictures by class": lambda data, folder: _pictures(data, folder, CLASSES),
    "pictures by label": lambda data, folder: _pictures(data, folder, tuple("0123456789")),
    "parquet": _parquet,
    "parquet, in its folder": lambda data, folder: _parquet(data, folder / "plain_text", "image"),
}
"""What writes a data set into a folder that does not exist yet, by the container's name."""
