"""What people see of an example: a picture, or the cells of a row."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from l2rw.data.datasets.dataset import Inputs
from l2rw.data.kinds.decoding import in_mode, in_threads
from l2rw.data.kinds.problems import UnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image

Shown: TypeAlias = bytes | dict[str, str]
"""A PNG or JPEG file; or the cells of a row as text, by column."""

SMALL = 64
"""Pixels of a side up to which pictures are kept as they are: a JPEG file would blur them."""
QUALITY = 82


def pictures_of(files: Sequence[Path], side: int) -> list[Shown]:
    """Return image files as they are, all of each in its colours, but upright and no larger.

    Args:
        files: Of images, n of them.
        side: Pixels of the longer side, at most.

    Raises:
        UnreadableError: Names all that cannot be read.
    """
    shown: list[Shown] = [b""] * len(files)

    def show(place: int) -> None:
        shown[place] = _picture_of(files[place], side)

    if failures := in_threads(len(files), show):
        raise UnreadableError(failures)
    return shown


def as_seen_by_networks(inputs: Inputs) -> list[Shown]:
    """Return inputs as a network sees them: pictures, or features by number.

    Args:
        inputs: Uint8 (n, channels, height, width), or float32 (n, features).
    """
    show: Callable[[Inputs], Shown] = _pixels if inputs.ndim == 4 else _features
    return [show(one) for one in inputs]


def _picture_of(file: Path, side: int) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        opened.draft("RGB", (2 * side, 2 * side))
        image = in_mode(ImageOps.exif_transpose(opened), "RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return encoded(image)


def encoded(image: "Image") -> bytes:
    """Return an image as a PNG file if it is small, else as a JPEG file."""
    file = io.BytesIO()
    if max(image.size) <= SMALL:
        image.save(file, "png", optimize=True)
    else:
        image.save(file, "jpeg", quality=QUALITY)
    return file.getvalue()


def _pixels(pixels: Inputs) -> bytes:
    from PIL import Image

    last = np.moveaxis(pixels, 0, -1)
    return encoded(Image.fromarray(last[..., 0] if last.shape[-1] == 1 else last))


def _features(features: Inputs) -> dict[str, str]:
    return {str(number): f"{value:.4g}" for number, value in enumerate(features.tolist(), 1)}
