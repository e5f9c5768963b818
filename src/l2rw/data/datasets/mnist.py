"""MNIST, from its four published files."""

import struct

import numpy as np

from l2rw.data.datasets.dataset import Dataset, Images, Labels
from l2rw.data.datasets.published import PublishedFiles


class Mnist(PublishedFiles):
    """The four files, also where torchvision puts them."""

    subfolders = ("", "MNIST/raw")

    def read(self) -> Dataset:
        """Verify and read the files; raise :class:`UserError` if one is absent or damaged."""
        return Dataset(
            "mnist",
            self._images("train-images-idx3-ubyte"),
            self._labels("train-labels-idx1-ubyte"),
            self._images("t10k-images-idx3-ubyte"),
            self._labels("t10k-labels-idx1-ubyte"),
        )

    def _images(self, file: str) -> Images:
        content = self.content(file)
        _, count, height, width = struct.unpack(">4i", content[:16])
        return np.frombuffer(content, np.uint8, offset=16).reshape(count, 1, height, width)

    def _labels(self, file: str) -> Labels:
        return np.frombuffer(self.content(file), np.uint8, offset=8).astype(np.int64)
