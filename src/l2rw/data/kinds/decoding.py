"""Image files of any format and size as arrays of one shape: in parallel, each once."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from l2rw.data.datasets.dataset import Images
from l2rw.data.kinds.problems import UnreadableError
from l2rw.store.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

CHUNK = 64
"""Images that a thread decodes before it says so."""
MOST_THREADS = 16
WIDE = {"I;16", "I;16L", "I;16B", "I;16N", "I"}
"""Pillow's modes of grey images with 16 bits."""

Fit = Literal["crop", "pad", "stretch"]


class Picture(NamedTuple):
    """What becomes of every image."""

    size: int
    """Side of the square, in pixels."""
    grey: bool
    fit: Fit

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return (1 if self.grey else 3, self.size, self.size)


def decode_all(files: Sequence[Path], picture: Picture, title: str) -> Images:
    """Decode image files.

    No more is in memory than the result and one image for each thread.

    Args:
        files: Of images, n of them.
        picture: What becomes of each.
        title: Of the progress bar.

    Returns:
        Shape (n, channels, size, size).

    Raises:
        UnreadableError: Names all that cannot be read.
    """
    images = np.empty((len(files), *picture.shape), dtype=np.uint8)

    def keep(place: int, image: Images) -> None:
        images[place] = image

    if failures := decode_each(files, picture, title, keep):
        raise UnreadableError(failures)
    return images


def decode_each(
    files: Sequence[Path], picture: Picture, title: str, use: Callable[[int, Images], None]
) -> dict[int, str]:
    """Decode image files and hand each over, with its place, in any order.

    Returns:
        Why some cannot be read, by their places.
    """
    return in_threads(len(files), lambda place: use(place, decode(files[place], picture)), title)


def in_threads(count: int, do: Callable[[int], None], title: str | None = None) -> dict[int, str]:
    """Do something with each of so many image files, given its place, in any order.

    Threads suffice: Pillow lets others run while it decodes and resizes.

    Args:
        count: How many files there are.
        do: What to do.
        title: Of the progress bar, if there is to be one.

    Returns:
        Why it failed with some, by their places.
    """
    from tqdm import tqdm

    failures: dict[int, str] = {}

    def decode_chunk(first: int) -> int:
        places = range(first, min(first + CHUNK, count))
        for place in places:
            try:
                do(place)
            except Exception as error:  # a damaged file may fail in any way
                failures[place] = f"{type(error).__name__}: {one_line(error)}"
        return len(places)

    with (
        ThreadPoolExecutor(min(MOST_THREADS, processors())) as pool,
        tqdm(total=count, desc=title, unit="image", mininterval=1, disable=title is None) as bar,
    ):
        for done in pool.map(decode_chunk, range(0, count, CHUNK)):
            bar.update(done)
    return dict(sorted(failures.items()))


def decode(file: Path, picture: Picture) -> Images:
    """Decode an image, shape (channels, size, size).

    It is turned upright as its EXIF data say, laid on white where it is transparent, made grey or
    coloured, and resized with antialiasing (bilinear): ``crop`` keeps the largest square in its
    middle, ``pad`` adds black to make it square, ``stretch`` ignores its proportions. Of a film,
    the first image counts; 16 bits become 8.
    """
    from PIL import Image, ImageOps

    mode, side = "L" if picture.grey else "RGB", (picture.size, picture.size)
    with Image.open(file) as opened:
        # JPEG files are decoded at a part of their size where that suffices.
        opened.draft(mode, (2 * picture.size, 2 * picture.size))
        image = in_mode(ImageOps.exif_transpose(opened), mode)
    filtered = Image.Resampling.BILINEAR
    if picture.fit == "crop":
        image = ImageOps.fit(image, side, filtered)
    elif picture.fit == "pad":
        image = ImageOps.pad(image, side, filtered)
    else:
        image = image.resize(side, filtered)
    pixels = np.asarray(image)
    return pixels[None] if picture.grey else pixels.transpose(2, 0, 1)


def in_mode(image: "Image", mode: str) -> "Image":
    """Return an image in grey or in colours, of 8 bits a channel."""
    from PIL import Image

    if image.mode in WIDE:
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() >= 2**16:
            raise ValueError("it has pixels of more than 16 bits")
        image = Image.fromarray((wide >> 8).astype(np.uint8))
    elif image.mode == "F":
        raise ValueError("its pixels are fractions of unknown range")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        image = Image.alpha_composite(white, over)
    return image.convert(mode)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))
