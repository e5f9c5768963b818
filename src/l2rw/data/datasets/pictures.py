"""CIFAR-10's images as picture files: in folders by class, or within the rows of parquet files.

Both come in whatever order; :func:`l2rw.data.datasets.content.verified` restores the published one.
"""

import io
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import numpy as np

from l2rw.data.datasets.dataset import Half, Images
from l2rw.data.datasets.places import DOWNLOAD_AGAIN
from l2rw.store.errors import UserError, why

SIDE = 32
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
"""Names of CIFAR-10's classes by label."""
SUFFIXES = {".png", ".bmp", ".webp", ".jpg", ".jpeg"}
"""Pictures to read. JPEG is lossy: a copy in this format is refused because its images differ."""
IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMN = "label"


def class_folders(folder: Path) -> dict[int, Path]:
    """Return the folders of pictures by label, each named as its class or by the label."""
    found = {}
    for label, name in enumerate(CLASSES):
        for path in (folder / name, folder / str(label)):
            if path.is_dir():
                found[label] = path
                break
    return found


def read_class_folders(folder: Path) -> Half:
    """Read the pictures in the class folders of ``folder``.

    Raises:
        UserError: A picture is damaged or is not of 32×32 pixels.
    """
    pictures = [
        (path, label)
        for label, below in class_folders(folder).items()
        for path in sorted(below.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    images = _decode_all(((path, str(path)) for path, _ in pictures), len(pictures))
    return Half(images, np.array([label for _, label in pictures], dtype=np.int64))


def read_parquet(files: list[Path]) -> Half:
    """Read parquet files with a column of pictures, ``{bytes, path}``, and a column of labels.

    Raises:
        UserError: pyarrow is not installed, a file is damaged, or it has other columns.
    """
    require_pyarrow(files[0])
    import pyarrow
    from pyarrow.parquet import ParquetFile

    labels: list[int] = []

    def pictures() -> Iterator[tuple[IO[bytes], str]]:
        for path in files:
            with ParquetFile(path) as file:
                column = _image_column(path, file.schema_arrow.names)
                for batch in file.iter_batches(batch_size=1000, columns=[column, LABEL_COLUMN]):
                    for row in batch.to_pylist():
                        labels.append(row[LABEL_COLUMN])
                        where = f"picture {len(labels) - 1} of {path}"
                        yield io.BytesIO(_picture_bytes(row[column], where)), where

    try:
        count = 0
        for path in files:
            with ParquetFile(path) as file:
                count += file.metadata.num_rows
        images = _decode_all(pictures(), count)
        return Half(images, np.array(labels).astype(np.int64, casting="safe"))
    except (OSError, TypeError, pyarrow.ArrowException) as error:
        raise UserError(
            f"{' or '.join(map(str, files))} is damaged or not a parquet file of CIFAR-10 "
            f"({why(error)}).",
            DOWNLOAD_AGAIN,
        ) from None


def require_pyarrow(path: Path) -> None:
    """Raise :class:`UserError` unless pyarrow, which is optional, is installed."""
    if find_spec("pyarrow") is None:
        raise UserError(
            f"Parquet files such as {path} are read by pyarrow, which is not installed.",
            "install it with `pip install pyarrow`.",
        )


def _image_column(path: Path, columns: list[str]) -> str:
    column = next((name for name in IMAGE_COLUMNS if name in columns), None)
    if column is None or LABEL_COLUMN not in columns:
        raise UserError(
            f"{path} has the columns {', '.join(columns)} instead of "
            f"{' or '.join(IMAGE_COLUMNS)}, and {LABEL_COLUMN}.",
            DOWNLOAD_AGAIN,
        )
    return column


def _picture_bytes(value: object, where: str) -> bytes:
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        raise UserError(f"{where} has no bytes.", DOWNLOAD_AGAIN)
    return content


def _decode_all(pictures: Iterable[tuple[Path | IO[bytes], str]], count: int) -> Images:
    """Decode ``count`` pictures, each with what messages call it, to (count, 3, 32, 32)."""
    images = np.empty((count, 3, SIDE, SIDE), dtype=np.uint8)
    for place, (picture, where) in enumerate(pictures):
        images[place] = _decode(picture, where)
    return images


def _decode(picture: Path | IO[bytes], where: str) -> Images:
    from PIL import Image

    try:
        with Image.open(picture) as image:
            if image.size != (SIDE, SIDE):
                raise UserError(
                    f"{where} has {image.width}×{image.height} pixels instead of {SIDE}×{SIDE}.",
                    DOWNLOAD_AGAIN,
                )
            return np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{where} is damaged or not an image ({why(error)}).",
            DOWNLOAD_AGAIN,
        ) from None
