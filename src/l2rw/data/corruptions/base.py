"""What every corruption answers: whether a data set allows it, and the split of each seed."""

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import DatasetLabels, Indices, Split
from l2rw.store.errors import UserError


class Corruption(ABC):
    """A pure, seeded function from true labels to a biased or noisy split.

    Corruptions are frozen dataclasses. Their fields are settings of plain types, which enter
    identities and plan files; see :mod:`l2rw.store.identity`.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    name: ClassVar[str]
    """As in its record."""
    classes: int
    """Number of classes that a network must distinguish."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Readable part of a split's name, such as ``uniform_flip-0.4``."""

    @abstractmethod
    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless this corruption can be had of the data set."""

    def knows_truth(self, dataset: Facts) -> bool:
        """Whether it is known of every training example whether its label is right."""
        return True

    def draw(self, labels: DatasetLabels, seed: int) -> Split:
        """Draw the split of one seed from all that is known of a data set's labels."""
        return self.split(labels.train, labels.test, seed)

    @abstractmethod
    def split(self, train_labels: Indices, test_labels: Indices, seed: int) -> Split:
        """Draw the split of one seed.

        Args:
            train_labels: True labels of the data set's training half, shape (n,).
            test_labels: True labels of its test half, shape (m,).
            seed: Seed of the run.
        """


def require_truth(dataset: Facts, corruption: str) -> None:
    """Raise :class:`UserError` unless there are right labels for a corruption to make wrong."""
    if not dataset.truth_is_known:
        raise UserError(
            f"{corruption} makes right labels wrong, but nobody knows which labels of "
            f"{dataset.name} are right.",
            f"set data_sets.{dataset.name}.labels_are_right to true if all of them are right, "
            "or use the corruption `given`, which trains on the labels as given.",
        )
    if dataset.clean_class_sizes:
        raise UserError(
            f"{corruption} draws its clean set from all labels of {dataset.name}, so it "
            "cannot use the list of clean examples.",
            f"leave out data_sets.{dataset.name}.clean, or use the corruption `given`.",
        )


def require_balance(dataset: Facts, clean_size: int, validation_size: int) -> None:
    """Raise :class:`UserError` unless every class has enough examples for a balanced clean set."""
    needed = math.ceil(clean_size / dataset.classes)
    for label, size in enumerate(dataset.train_class_sizes):
        left = least_left(dataset, label, validation_size)
        if needed > left:
            raise UserError(
                f"A balanced clean set of {clean_size} images needs {needed} of class {label}, but "
                f"a validation set of {validation_size} may leave only {max(left, 0)} of the "
                f"{size} that {dataset.name} has.",
                "lower clean_size (or clean_per_class, clean_sizes) or validation_size.",
            )


def least_left(dataset: Facts, label: int, validation_size: int) -> int:
    """Return how many examples of a class a random validation set leaves at least."""
    size = dataset.train_class_sizes[label]
    drawn = validation_size * size / sum(dataset.train_class_sizes)
    # Six standard deviations: no seed that is ever run draws more of a class.
    return math.floor(size - min(validation_size, drawn + 6 * math.sqrt(drawn)))


def require_some_left(dataset: Facts, clean_size: int, validation_size: int) -> None:
    """Raise :class:`UserError` unless there is a clean set, and something left to train on."""
    if clean_size < 1:
        raise UserError(
            f"A clean set cannot have {clean_size} images.", "make clean_size 1 or more."
        )
    images = sum(dataset.train_class_sizes)
    if clean_size + validation_size >= images:
        raise UserError(
            f"A clean set of {clean_size} and a validation set of {validation_size} "
            f"images leave none of the {images} of {dataset.name} to train on.",
            "lower clean_size (or clean_per_class, clean_sizes) or validation_size.",
        )


def in_turns(labels: Indices, random: np.random.Generator) -> Indices:
    """Order examples, given their labels (n,), so that classes take turns.

    Each round has the next example of each class that has any left, in random order of the classes.
    """
    rounds = np.empty_like(labels)
    for label in np.unique(labels):
        own = labels == label
        rounds[own] = np.arange(own.sum())
    return np.lexsort((random.random(len(labels)), rounds))
