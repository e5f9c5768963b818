"""BackgroundFlip: labels of all other classes flip to one background class."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from l2rw.data.corruptions.flip import Flip
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import Indices
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator


@dataclass(frozen=True)
class BackgroundFlip(Flip):
    """A label of any other class flips to the background class (section 4.2, table 2).

    ``noise`` is the share of the images of all other classes that flip. With ``authors_code`` the
    background class is drawn from all classes but the last, whatever ``background_classes`` says,
    and the clean set is drawn regardless of class.
    """

    background_classes: tuple[int, ...]
    """Background classes, over which the seeds take turns."""

    name: ClassVar[str] = "background_flip"

    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless this corruption can be had of the data set."""
        super().check(dataset)
        hint = f"choose among 0 to {dataset.classes - 1} in background_classes or background_class."
        if not self.background_classes:
            raise UserError("There is no background class.", hint)
        for label in self.background_classes:
            if not 0 <= label < dataset.classes:
                raise UserError(
                    f"A background class {label} is not a class of {dataset.name}.", hint
                )

    def background_class(self, seed: int) -> int:
        """Return the class that labels of this seed flip to."""
        if self.authors_code:
            return int(generator("noise", seed, 1).integers(self.classes - 1))
        return self.background_classes[seed % len(self.background_classes)]

    def flipped_labels(
        self, true_labels: Indices, seed: int, random: np.random.Generator
    ) -> Indices:
        """Return the label that each image would get by flipping; true labels and result (n,)."""
        return np.full_like(true_labels, self.background_class(seed))

    def may_flip(self, true_labels: Indices, seed: int) -> NDArray[np.bool_]:
        """Return which images the noise is a share of; true labels and result (n,)."""
        others: NDArray[np.bool_] = true_labels != self.background_class(seed)
        return others
