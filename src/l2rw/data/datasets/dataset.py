"""What every later step reads: one data set in memory, and its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.catalog import CATALOG, DatasetRecord
from l2rw.data.splits import read_arrays
from l2rw.store.files import replacing

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


class Half(NamedTuple):
    """The training or the test half: images (n, channels, height, width) and labels (n,)."""

    images: Images
    labels: Labels


@dataclass(frozen=True)
class Dataset:
    """Images (n, channels, height, width) uint8 and labels (n,) int64, for training and test."""

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels

    @property
    def info(self) -> DatasetRecord:
        """Facts of the data set."""
        return CATALOG[self.name]

    def save(self, path: Path) -> None:
        """Write one uncompressed ``.npz``, atomically."""
        arrays = {k: v for k, v in vars(self).items() if k != "name"}
        with replacing(path) as partial:
            np.savez(partial, name=np.array(self.name), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read what :meth:`save` wrote; raise :class:`UserError` if the file is damaged."""
        arrays = read_arrays(path)
        return cls(name=str(arrays.pop("name")), **arrays)
