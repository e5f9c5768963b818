"""Label noise: what all kinds of it share."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l2rw.data.corruptions.base import (
    Corruption,
    in_turns,
    require_balance,
    require_some_left,
    require_truth,
)
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import Indices, Part, Split, make_part
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator


@dataclass(frozen=True)
class Flip(Corruption):
    """What both kinds of label noise share: who plays which part, and who flips (section 4.2).

    The training half is parted into the validation set, the clean set and the training set; the
    test part is the whole test half. For one seed and ``validation_size``, the validation images
    are the same at every other setting, a smaller clean set is part of a larger one, and what
    flips at a low noise flips to the same label at a higher one: a sweep changes nothing else.
    """

    classes: int
    """Classes of the data set, all of which a network must distinguish."""
    noise: float
    """Share of the labels that flip, in [0, 1): exact in the training set and, on its own, in the
    validation set."""
    clean_size: int
    """Images of the clean set, with their true labels: of each class as many, or one more."""
    validation_size: int
    """Images of the hyper-validation set, noisy like the training set."""
    authors_code: bool
    """Whether to depart from the paper as its authors' code does; each kind says in what."""

    @property
    def label(self) -> str:
        """Readable part of a split's name."""
        return f"{self.name}-{self.noise}"

    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless this corruption can be had of the data set."""
        require_truth(dataset, type(self).__name__)
        if not 0 <= self.noise < 1 and not (self.noise == 1 and self.may_be_all):
            raise UserError(
                f"A noise of {self.noise} cannot be a share of the labels.",
                f"choose a noise of at least 0 and {'up to' if self.may_be_all else 'below'} 1.",
            )
        require_some_left(dataset, self.clean_size, self.validation_size)
        if not self.authors_code:
            require_balance(dataset, self.clean_size, self.validation_size)

    @property
    def may_be_all(self) -> bool:
        """Whether a noise of 1 leaves right labels to learn from."""
        return False

    def split(self, train_labels: Indices, test_labels: Indices, seed: int) -> Split:
        """Draw the split of one seed; see :meth:`.Corruption.split`."""
        random = generator("split", seed)
        shuffled = random.permutation(len(train_labels))
        validation, rest = np.split(shuffled, [self.validation_size])
        if not self.authors_code:
            rest = rest[in_turns(train_labels[rest], random)]
        clean, train = np.split(rest, [self.clean_size])
        random = generator("noise", seed)
        ranks = random.permutation(len(train_labels))
        flipped = self.flipped_labels(train_labels, seed, random)

        def noisy(indices: Indices) -> Part:
            candidates = indices[self.may_flip(train_labels[indices], seed)]
            count = round(self.noise * len(candidates))
            flips = candidates[np.argsort(ranks[candidates])[:count]]
            labels = train_labels.copy()
            labels[flips] = flipped[flips]
            return make_part(indices, labels[indices], train_labels[indices])

        return Split(
            train=noisy(train),
            clean=make_part(clean, train_labels[clean]),
            validation=noisy(validation),
            test=make_part(np.arange(len(test_labels)), test_labels),
        )

    @abstractmethod
    def flipped_labels(
        self, true_labels: Indices, seed: int, random: np.random.Generator
    ) -> Indices:
        """Return the label that each image would get by flipping; true labels and result (n,)."""

    @abstractmethod
    def may_flip(self, true_labels: Indices, seed: int) -> NDArray[np.bool_]:
        """Return which images the noise is a share of; true labels and result (n,)."""
