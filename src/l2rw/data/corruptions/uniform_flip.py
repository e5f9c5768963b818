"""UniformFlip: labels flip to any other class."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from l2rw.data.corruptions.flip import Flip
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import Indices
from l2rw.store.errors import UserError


@dataclass(frozen=True)
class UniformFlip(Flip):
    """A label flips to any other class, each as likely (section 4.2, table 1).

    With ``authors_code`` the new label is drawn from all classes but the last and may be the true
    one, so that less than ``noise`` is wrong, and the clean set is drawn regardless of class.
    """

    drawn_from: Literal["other_classes", "all_classes"] = field(
        default="other_classes", metadata={"left_out_at": "other_classes"}
    )
    """What the new label is drawn from. ``all_classes``, the true one included, is the convention
    of most later papers: of C classes the share ``noise``·(C − 1)/C of the labels is wrong, in the
    mean, and a noise of 1 makes labels that say nothing."""

    name: ClassVar[str] = "uniform_flip"

    @property
    def label(self) -> str:
        """Readable part of a split's name."""
        return super().label + ("-of-all" if self.drawn_from == "all_classes" else "")

    @property
    def may_be_all(self) -> bool:
        """Whether a noise of 1 leaves right labels to learn from."""
        return self.drawn_from == "all_classes"

    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless this corruption can be had of the data set."""
        super().check(dataset)
        if self.authors_code and self.drawn_from == "all_classes":
            raise UserError(
                "The authors' code draws labels from all classes but the last, not from all.",
                "leave out drawn_from, or set noisy_labels.authors_code to false.",
            )

    def flipped_labels(
        self, true_labels: Indices, seed: int, random: np.random.Generator
    ) -> Indices:
        """Return the label that each image would get by flipping; true labels and result (n,)."""
        if self.authors_code:
            return random.integers(self.classes - 1, size=len(true_labels))
        if self.drawn_from == "all_classes":
            return random.integers(self.classes, size=len(true_labels))
        return (
            true_labels + random.integers(1, self.classes, size=len(true_labels))
        ) % self.classes

    def may_flip(self, true_labels: Indices, seed: int) -> NDArray[np.bool_]:
        """Return which images the noise is a share of; true labels and result (n,)."""
        return np.ones(len(true_labels), dtype=bool)
