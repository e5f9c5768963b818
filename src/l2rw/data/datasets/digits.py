"""The handwritten digits that ship with scikit-learn: 1,797 real images of 8×8 pixels."""

import hashlib

import numpy as np

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.places import Places
from l2rw.store.errors import UserError


class Digits:
    """The digits, which are installed and so always at hand."""

    def __init__(self, places: Places) -> None:
        """Args: ``places`` are of no use here."""

    def is_complete(self) -> bool:
        """Whether nothing is absent: always."""
        return True

    def require(self) -> None:
        """Nothing can be absent."""

    def check_files(self) -> dict[str, str]:
        """Say that the digits are the known ones, or raise :class:`UserError`."""
        self.read()
        return {"embedded in scikit-learn": "verified"}

    def read(self) -> Dataset:
        """Read the digits. They come without a test part: every fourth of a class is for testing.

        Raises:
            UserError: The installed scikit-learn has other digits.
        """
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
        labels = digits.target.astype(np.int64)
        (published,) = CATALOG["digits"].sha256.values()
        if hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() != published:
            raise UserError(
                "The digits embedded in the installed scikit-learn differ from the known ones.",
                "reinstall scikit-learn as requirements.lock pins it.",
            )
        test = np.zeros(len(labels), dtype=bool)
        for label in range(10):
            test[np.flatnonzero(labels == label)[3::4]] = True
        return Dataset("digits", images[~test], labels[~test], images[test], labels[test])
