"""Class imbalance: two classes of a data set in unequal shares."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from l2rw.data.corruptions.base import Corruption, require_truth
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import EMPTY, Indices, Part, Split, make_part
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator


@dataclass(frozen=True)
class Imbalance(Corruption):
    """Two classes in unequal shares; a balanced clean set is taken out of them (section 4.1).

    In the split, label 0 is the minority class and label 1 the majority class. For one seed, the
    clean set is the same at every share and the images of a class are nested, so that a sweep of
    the share changes nothing else.
    """

    minority: int
    majority: int
    majority_share: float
    """Share of the majority class among the ``train_size`` images, in (0, 1)."""
    train_size: int
    """Images in all, those of the clean set included."""
    clean_size: int
    """Images of the clean set, half of each class."""

    name: ClassVar[str] = "imbalance"
    classes: ClassVar[int] = 2  # type: ignore[misc]
    """Number of classes that a network must distinguish."""

    @property
    def label(self) -> str:
        """Readable part of a split's name."""
        return f"{self.name}-{self.majority_share}"

    @property
    def majority_size(self) -> int:
        """Images of the majority class, the clean ones included."""
        return round(self.majority_share * self.train_size)

    @property
    def minority_size(self) -> int:
        """Images of the minority class, the clean ones included."""
        return self.train_size - self.majority_size

    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless the data set has enough images for this corruption."""
        require_truth(dataset, type(self).__name__)
        half = self.clean_size // 2
        if not 0.5 <= self.majority_share < 1:
            raise UserError(
                f"A majority share of {self.majority_share} is not a majority.",
                "choose shares of at least 0.5 and below 1.",
            )
        if self.clean_size % 2 or self.clean_size < 2:
            raise UserError(
                f"A balanced clean set cannot have {self.clean_size} images.",
                "make clean_size an even number.",
            )
        if self.minority == self.majority:
            raise UserError(
                f"Minority and majority are the same class, {self.minority}.",
                "name two different classes.",
            )
        for role, label, size in (
            ("minority", self.minority, self.minority_size),
            ("majority", self.majority, self.majority_size),
        ):
            if not 0 <= label < dataset.classes:
                raise UserError(
                    f"The {role} class {label} is not a class of {dataset.name}.",
                    f"choose one from 0 to {dataset.classes - 1}.",
                )
            if size > dataset.train_class_sizes[label]:
                raise UserError(
                    f"At majority share {self.majority_share} the {role} class {label} needs "
                    f"{size} images, but {dataset.name} has {dataset.train_class_sizes[label]}.",
                    "lower train_size.",
                )
            if half >= size:
                raise UserError(
                    f"At majority share {self.majority_share} the {role} class {label} has {size} "
                    f"images; the clean set would take {half} and leave none to train on.",
                    "lower clean_size or majority_share, or raise train_size.",
                )

    def split(self, train_labels: Indices, test_labels: Indices, seed: int) -> Split:
        """Draw the split of one seed; see :meth:`.Corruption.split`."""
        random = generator("split", seed)
        originals = np.array([self.minority, self.majority])

        def shuffled(labels: Indices) -> list[Indices]:
            return [random.permutation(np.flatnonzero(labels == label)) for label in originals]

        minority, majority = shuffled(train_labels)
        test = shuffled(test_labels)
        half, test_half = self.clean_size // 2, min(map(len, test))
        return Split(
            train=_two_classes(
                minority[half : self.minority_size], majority[half : self.majority_size]
            ),
            clean=_two_classes(minority[:half], majority[:half]),
            validation=EMPTY,
            test=_two_classes(*(indices[:test_half] for indices in test)),
        )


def _two_classes(minority: Indices, majority: Indices) -> Part:
    labels = np.repeat([0, 1], [len(minority), len(majority)])
    return make_part(np.concatenate([minority, majority]), labels)
