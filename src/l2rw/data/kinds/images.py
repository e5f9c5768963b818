"""What kinds of data sets with image files share."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from l2rw.data.datasets.dataset import Images, Labels
from l2rw.data.kinds.base import DatasetKind, Layout, option
from l2rw.data.kinds.decoding import Fit, Picture, decode_all
from l2rw.data.kinds.layout import picked
from l2rw.data.kinds.showing import Shown, pictures_of


@dataclass(frozen=True, kw_only=True)
class ImageKind(DatasetKind):
    """Image files, of any format that Pillow reads and of any size."""

    size: int = option("Side, in pixels, of the squares to which all images are resized.", 32)
    grey: bool = option(
        "Whether images are converted to grey; otherwise they have three colour channels.", False
    )
    fit: Fit = option(
        "How an image becomes a square: `crop` keeps the largest square in its middle, `pad` adds "
        "black, `stretch` ignores its proportions.",
        "crop",
    )

    def __post_init__(self) -> None:
        """Check what types do not."""
        super().__post_init__()
        if not 4 <= self.size <= 1024:
            raise ValueError(f"size is {self.size}. Hint: choose from 4 to 1024 pixels.")

    @property
    def picture(self) -> Picture:
        """What becomes of every image."""
        return Picture(self.size, self.grey, self.fit)

    def shape(self, layout: Layout) -> tuple[int, ...]:
        """Return (channels, height, width)."""
        return self.picture.shape

    def inputs(self, layout: Layout, places: Labels, title: str) -> Images:
        """Decode images; see :meth:`.DatasetKind.inputs`."""
        files = [self.file_of(source) for source in picked(layout.examples.source, places)]
        return decode_all(files, self.picture, title)

    def shown(self, layout: Layout, places: Labels, side: int) -> list[Shown]:
        """Return the images as they are; see :meth:`.DatasetKind.shown`."""
        sources = picked(layout.examples.source, places)
        return pictures_of([self.file_of(source) for source in sources], side)

    def preprocessing(self, layout: Layout) -> dict[str, Any]:
        """Return what becomes of every image; see :meth:`.DatasetKind.preprocessing`."""
        return {"picture": self.picture._asdict()}

    @abstractmethod
    def file_of(self, source: str) -> Path:
        """Return the file of an example, given what it is read from."""


@cache
def image_suffixes() -> frozenset[str]:
    """Return how names of files end that Pillow can read as images."""
    from PIL import Image

    suffixes = Image.registered_extensions()
    return frozenset(suffix for suffix, name in suffixes.items() if name in Image.OPEN)
