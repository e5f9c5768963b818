"""UniformFlip: labels flip to any other class."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from l2rw.data.corruptions.flip import Flip
from l2rw.data.splits import Indices


@dataclass(frozen=True)
class UniformFlip(Flip):
    """A label flips to any other class, each as likely (section 4.2, table 1).

    With ``authors_code`` the new label is drawn from all classes but the last and may be the true
    one, so that less than ``noise`` is wrong, and the clean set is drawn regardless of class.
    """

    name: ClassVar[str] = "uniform_flip"

    def flipped_labels(
        self, true_labels: Indices, seed: int, random: np.random.Generator
    ) -> Indices:
        """Return the label that each image would get by flipping; true labels and result (n,)."""
        if self.authors_code:
            return random.integers(self.classes - 1, size=len(true_labels))
        return (
            true_labels + random.integers(1, self.classes, size=len(true_labels))
        ) % self.classes

    def may_flip(self, true_labels: Indices, seed: int) -> NDArray[np.bool_]:
        """Return which images the noise is a share of; true labels and result (n,)."""
        return np.ones(len(true_labels), dtype=bool)
