"""Small data as users have them."""

import numpy as np
import pytest
from PIL import Image

from l2rw.config.data_sets import read_data_set
from l2rw.data.kinds.survey import facts_of, read


def paint(path, number, size=(12, 9), mode="RGB", **options):
    """Write an image that differs from those of other numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (*size[::-1], 3) if mode == "RGB" else size[::-1]
    pixels = np.random.default_rng(number).integers(256, size=shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Ten images of each of two classes."""
    root = tmp_path / "birds"
    for number in range(20):
        paint(root / ("tit" if number % 2 else "wren") / f"{number:02}.png", number)
    return root


class Mine:
    """A data set called ``mine``, from a description, and where surveys are kept."""

    def __init__(self, surveys, **described):
        self.kind, self.surveys = read_data_set(described), surveys

    def facts(self, **options):
        return facts_of("mine", self.kind, folder=self.surveys, **options)

    def read(self, content=None):
        return read("mine", self.kind, content, self.surveys)


@pytest.fixture
def mine(tmp_path):
    """Makes data sets of descriptions; values that are paths become text."""

    def make(kind, **options):
        texts = {key: _plain(value) for key, value in options.items()}
        return Mine(tmp_path / "surveys", kind=kind, **texts)

    return make


def _plain(value):
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


@pytest.fixture
def write(tmp_path):
    """Writes a text file of lines and returns it."""

    def write_lines(name, *lines):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write_lines
