"""Labels as given, without any corruption: some may be wrong already."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from l2rw.data.corruptions.base import Corruption, in_turns, require_balance, require_some_left
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import DatasetLabels, Indices, Part, Split, make_part
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator


@dataclass(frozen=True)
class Given(Corruption):
    """The training half under the labels that it came with.

    The clean set is the user's list of trusted examples, or part of it. Without a list it is drawn
    from the whole training half, under true labels, which must then be known; of each class as
    many, or one more. The validation set tears no group apart. For one seed and
    ``validation_size``, a smaller clean set is part of a larger one.
    """

    classes: int
    """Classes of the data set, all of which a network must distinguish."""
    clean_size: int
    """Examples of the clean set; 0 for all of the user's list."""
    validation_size: int
    """Examples of the hyper-validation set, labelled like the training set; a few less if groups
    must be kept together."""

    name: ClassVar[str] = "given"

    @property
    def label(self) -> str:
        """Readable part of a split's name."""
        return self.name

    def check(self, dataset: Facts) -> None:
        """Raise :class:`UserError` unless there is a clean set, and something left to train on."""
        listed = sum(dataset.clean_class_sizes)
        if listed and self.clean_size > listed:
            raise UserError(
                f"A clean set of {self.clean_size} is requested, but data_sets.{dataset.name}."
                f"clean lists {listed} examples.",
                "list more, or set clean_size to 0 to use all of them.",
            )
        each = self.clean_size // dataset.classes
        if few := [k for k, size in enumerate(dataset.clean_class_sizes) if size < each]:
            raise UserError(
                f"A clean set of {self.clean_size} takes {each} of each class, but data_sets."
                f"{dataset.name}.clean lists {dataset.clean_class_sizes[few[0]]} of "
                f"{dataset.class_name(few[0])}.",
                "list more (`l2rw pick` helps), or set clean_size to 0 to use all of them.",
            )
        if not listed and not dataset.truth_is_known:
            raise UserError(
                f"There is no clean set: nobody knows which labels of {dataset.name} are right.",
                f"name a list of examples that you trust in data_sets.{dataset.name}.clean; "
                "`l2rw pick` writes a page to choose them by.",
            )
        require_some_left(dataset, self.clean_size or listed, self.validation_size)
        if not listed:
            require_balance(dataset, self.clean_size, self.validation_size)

    def knows_truth(self, dataset: Facts) -> bool:
        """Whether it is known of every training example whether its label is right."""
        return dataset.truth_is_known

    def split(self, train_labels: Indices, test_labels: Indices, seed: int) -> Split:
        """Draw the split of one seed of a data set whose labels are all right."""
        nothing = np.array([], dtype=np.int64)
        known = np.ones(len(train_labels), dtype=bool)
        labels = DatasetLabels(train_labels, test_labels, train_labels, known, nothing, nothing)
        return self.draw(labels, seed)

    def draw(self, labels: DatasetLabels, seed: int) -> Split:
        """Draw the split of one seed; see :meth:`.Corruption.draw`."""
        random = generator("split", seed)
        rest = random.permutation(len(labels.train))
        clean = labels.clean
        if len(clean):
            clean = random.permutation(clean)
            clean = clean[in_turns(labels.train[clean], random)][: self.clean_size or len(clean)]
            rest = rest[~np.isin(rest, labels.clean)]
        validation = self._validation(rest, labels)
        rest = rest[~np.isin(rest, validation)]
        if not len(clean):
            rest = rest[in_turns(labels.train[rest], random)]
            clean, rest = np.split(rest, [self.clean_size])

        def as_given(indices: Indices) -> Part:
            return make_part(
                indices,
                labels.given[indices],
                labels.train[indices],
                labels.truth_is_known[indices],
            )

        test = np.arange(len(labels.test))
        trusted = np.full(len(test), labels.test_is_trusted)
        return Split(
            train=as_given(rest),
            clean=make_part(clean, labels.train[clean]),
            validation=as_given(validation),
            test=make_part(test, labels.test, truth_is_known=trusted),
        )

    def _validation(self, shuffled: Indices, labels: DatasetLabels) -> Indices:
        """Return the first examples, or, where there are groups, whole groups as long as they fit.

        A group with a clean example stays with it.
        """
        if not len(labels.groups):
            return shuffled[: self.validation_size]
        kept = np.unique(labels.groups[labels.clean])
        groups = labels.groups[shuffled]
        _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
        taken: list[int] = []
        room = self.validation_size
        for place in np.argsort(first):
            group, size = groups[first[place]], sizes[place]
            if size <= room and group not in kept:
                taken.append(int(group))
                room -= size
        return shuffled[np.isin(groups, taken)]
