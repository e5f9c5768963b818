"""What every corruption answers: whether a data set allows it, and the split of each seed."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from l2rw.data.datasets.catalog import DatasetRecord
from l2rw.data.splits import Indices, Split


class Corruption(ABC):
    """A pure, seeded function from true labels to a biased or noisy split.

    Corruptions are frozen dataclasses. Their fields are settings of plain types, which enter
    identities and plan files; see :mod:`l2rw.store.identity`.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    name: ClassVar[str]
    """As in its record."""
    classes: int
    """Number of classes that a network must tell apart."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Readable part of a split's name, such as ``uniform_flip-0.4``."""

    @abstractmethod
    def check(self, dataset: DatasetRecord) -> None:
        """Raise :class:`UserError` unless this corruption can be had of the data set."""

    @abstractmethod
    def split(self, train_labels: Indices, test_labels: Indices, seed: int) -> Split:
        """Draw the split of one seed.

        Args:
            train_labels: True labels of the data set's training half, shape (n,).
            test_labels: True labels of its test half, shape (m,).
            seed: Seed of the run.
        """
