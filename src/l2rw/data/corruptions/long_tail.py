"""A long tail: every class has fewer examples than the one before it."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from l2rw.data.corruptions.base import (
    Corruption,
    in_turns,
    least_left,
    require_balance,
    require_some_left,
    require_truth,
)
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import Indices, Split, make_part
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator


@dataclass(frozen=True)
class LongTail(Corruption):
    """Class k of C keeps the share IF^(−k/(C − 1)) of its examples (Cui et al. 2019).

    The clean set is balanced and set aside before, and so is the validation set, which has the same
    tail as the training set. The test part stays whole. For one seed and equal sizes, a heavier
    tail is part of a lighter one.
    """

    classes: int
    """Classes of the data set, all of which a network must distinguish."""
    imbalance: float
    """The factor IF >= 1: how many times more examples the first class keeps than the last one."""
    clean_size: int
    """Examples of the clean set: of each class as many, or one more."""
    validation_size: int
    """Examples set aside for the hyper-validation set, before its tail is cut."""

    name: ClassVar[str] = "long_tail"

    @property
    def label(self) -> str:
        """Readable part of a split's name."""
        return f"{self.name}-{self.imbalance:g}"

    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless every class keeps an example."""
        require_truth(dataset, type(self).__name__)
        if self.imbalance < 1:
            raise UserError(
                f"An imbalance of {self.imbalance:g} makes no long tail.",
                "choose 1 (balanced) or more.",
            )
        require_some_left(dataset, self.clean_size, self.validation_size)
        require_balance(dataset, self.clean_size, self.validation_size)
        for label, size in enumerate(dataset.train_class_sizes):
            least = least_left(dataset, label, self.validation_size)
            least -= math.ceil(self.clean_size / self.classes)
            if self._share(label) * least < 1:
                raise UserError(
                    f"An imbalance of {self.imbalance:g} may leave no example of class {label} of "
                    f"{dataset.name}, which has {size}, beside clean and validation set.",
                    "lower the imbalance, clean_size or validation_size.",
                )

    def split(self, train_labels: Indices, test_labels: Indices, seed: int) -> Split:
        """Draw the split of one seed; see :meth:`.Corruption.split`."""
        random = generator("split", seed)
        shuffled = random.permutation(len(train_labels))
        validation, rest = np.split(shuffled, [self.validation_size])
        rest = rest[in_turns(train_labels[rest], random)]
        clean, rest = np.split(rest, [self.clean_size])
        train, validation = (self._tail(part, train_labels) for part in (rest, validation))
        return Split(
            train=make_part(train, train_labels[train]),
            clean=make_part(clean, train_labels[clean]),
            validation=make_part(validation, train_labels[validation]),
            test=make_part(np.arange(len(test_labels)), test_labels),
        )

    def _tail(self, indices: Indices, true_labels: Indices) -> Indices:
        """Return what the classes keep of some examples, the first ones of each."""
        labels = true_labels[indices]
        kept = [np.array([], dtype=np.int64)]
        for label in range(self.classes):
            own = indices[labels == label]
            kept.append(own[: round(self._share(label) * len(own))])
        return np.concatenate(kept)

    def _share(self, label: int) -> float:
        """Return the share of its examples that a class keeps."""
        share: float = self.imbalance ** (-label / max(self.classes - 1, 1))
        return share
