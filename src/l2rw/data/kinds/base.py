"""What every kind of data set answers: its files, its examples, their inputs."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.dataset import Inputs, Labels
from l2rw.store.errors import UserError

if TYPE_CHECKING:
    from l2rw.data.kinds.showing import Shown


def option(description: str, default: Any = MISSING, *, names_files: bool = False) -> Any:
    """Declare an option of a kind.

    Args:
        description: For the reference of the configuration.
        default: What it is if a configuration does not say; it must be said if there is none.
        names_files: Whether it says where files are. Their content is part of a data set's
            identity, not where they are.
    """
    return field(default=default, metadata={"description": description, "names_files": names_files})


@dataclass(frozen=True)
class Examples:
    """All examples of a data set, by what can be said of them without decoding any."""

    ids: Sequence[str]
    """What the user calls them: files or rows, all different."""
    labels: Sequence[str]
    """Names of the given classes."""
    contents: Sequence[str]
    """Something that is equal where the content of two examples is."""
    source: Sequence[Any]
    """What inputs are read from: files, or rows."""
    in_test: NDArray[np.bool_] | None = None
    """Which are for testing; None if that is to be drawn."""
    groups: Sequence[str] | None = None
    """Examples of a group are all for training or all for testing."""
    true_labels: Sequence[str] | None = None
    """Names of the true classes, if they are known."""
    empty_classes: Sequence[str] = ()
    """Classes that are there without an example."""
    notes: Sequence[str] = ()
    """What the user should know, in sentences."""

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, kept: NDArray[np.bool_]) -> "Examples":
        """Return some of the examples, those where ``kept``, shape (n,), is true."""
        places = np.flatnonzero(kept).tolist()

        def some_of(items: Any) -> Any:
            return None if items is None else [items[place] for place in places]

        each = ("ids", "labels", "contents", "source", "groups", "true_labels")
        halves = None if self.in_test is None else self.in_test[kept]
        changed = {name: some_of(getattr(self, name)) for name in each}
        return replace(self, **changed, in_test=halves)


@dataclass(frozen=True)
class Layout:
    """Which example plays which part, under which label; see :mod:`l2rw.data.kinds.layout`."""

    examples: Examples
    class_names: tuple[str, ...]
    """By label."""
    labels: Labels
    """Given labels of the examples, shape (n,)."""
    train: Labels
    """Positions of the examples for training, ascending."""
    test: Labels
    """Positions of those for testing, ascending."""
    true_labels: Labels
    """True labels of the training examples as far as they are known, else given ones."""
    truth_is_known: NDArray[np.bool_]
    """Where they are known, among the training examples."""
    clean: Labels
    """Those that the user trusts, as positions among the training examples, ascending."""
    groups: Labels
    """Groups of the training examples; empty without groups."""
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetKind(ABC):
    """A way to read a user's files. Its fields are what a configuration may say of a data set."""

    kind: ClassVar[str]
    """As in its record."""
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": False}

    path: str = option(
        "Folder or file of the data; `~` is the home folder, and other names are relative to where "
        "the workflow runs.",
        names_files=True,
    )
    test_path: str | None = option(
        "Folder or file of the test examples, organised as in `path`.", None, names_files=True
    )
    test_share: float | None = option(
        "Share of each class that is drawn for testing; 0.2 by default if no other option names "
        "the test part. Adding examples later changes little of the draw.",
        None,
    )
    split_seed: int = option("Seed of that draw.", 0)
    clean: str | None = option(
        "CSV file of training examples whose labels are known to be right: a column `id`, and a "
        "column `label` where the given label is not right. They become the clean set.",
        None,
        names_files=True,
    )
    corrections: str | None = option(
        "CSV file of decisions about labels, such as the review page writes: columns `id`, "
        "`decision` (`right`, `wrong`, `remove` or `unsure`) and `label`, which is the right label "
        "of a wrong one.",
        None,
        names_files=True,
    )
    decided_are_clean: bool = option(
        "Whether training examples that `corrections` calls right or corrects join the clean set.",
        False,
    )
    leave_out: tuple[str, ...] = option(
        "CSV files, with a column `id`, of examples to leave out.", (), names_files=True
    )
    duplicates: Literal["refuse", "keep"] = option(
        "What to do if the same content is in training and test part, or inside and outside the "
        "clean set.",
        "refuse",
    )
    labels_are_right: bool = option(
        "Whether all labels are known to be right. Corruptions that make labels wrong require "
        "this; otherwise only the labels of clean examples are known.",
        False,
    )
    test_is_trusted: bool = option(
        "Whether the labels of the test part are known to be right; otherwise accuracies are "
        "measured against given labels.",
        False,
    )

    def __post_init__(self) -> None:
        """Check what types do not; pydantic turns a ValueError into a message with a hint."""
        if self.test_share is not None:
            if not 0 < self.test_share < 1:
                raise ValueError(
                    f"test_share is {self.test_share}. Hint: choose a share between 0 and 1."
                )
            if self.test_path is not None:
                raise ValueError(
                    "both test_path and test_share say what is for testing. Hint: leave one out."
                )
        if self.split_seed < 0:
            raise ValueError(f"split_seed is {self.split_seed}. Hint: choose 0 or more.")

    @abstractmethod
    def files(self) -> Mapping[str, Path]:
        """Return all files that the content depends on, by names that moving them does not change.

        Reads none.

        Raises:
            UserError: Something is absent.
        """

    @abstractmethod
    def examples(self, digests: Mapping[str, str]) -> Examples:
        """Return the examples, without decoding images.

        Args:
            digests: SHA-256 of each of the files, by name.

        Raises:
            UserError: A table cannot be read, or lacks something.
        """

    @abstractmethod
    def shape(self, layout: Layout) -> tuple[int, ...]:
        """Return the shape of an example's inputs: (channels, height, width), or (features,)."""

    @abstractmethod
    def inputs(self, layout: Layout, places: Labels, title: str) -> Inputs:
        """Read the inputs of some examples, whose positions are given, in this order.

        Args:
            layout: Of the data set.
            places: Positions of examples, shape (n,).
            title: Of the progress bar.

        Returns:
            Uint8 (n, channels, height, width), or float32 (n, features).

        Raises:
            UnreadableError: Some cannot be read.
        """

    def shown(self, layout: Layout, places: Labels, side: int) -> "list[Shown]":
        """Return what people see of some examples, whose positions are given, in this order.

        Unless a kind knows better, that is what networks see.

        Args:
            layout: Of the data set.
            places: Positions of examples, shape (n,).
            side: Pixels of the longer side of a picture, at most.

        Raises:
            UnreadableError: Some cannot be read.
        """
        from l2rw.data.kinds.showing import as_seen_by_networks

        return as_seen_by_networks(self.inputs(layout, places, "pictures"))

    def preprocessing(self, layout: Layout) -> dict[str, Any]:
        """Return how new examples become inputs, as :class:`l2rw.export.reading.Reader` reads it.

        Plain data; empty, unless a kind knows better: then nothing can be predicted from files.
        """
        return {}

    def options(self) -> dict[str, Any]:
        """Return the options as plain data."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def settings(self) -> dict[str, Any]:
        """Return the options that say how files are read, not where they are.

        Those at their defaults are left out: a kind may get more options, and every id stays as it
        is. So defaults must never change.
        """
        return {
            one.name: self.options()[one.name]
            for one in fields(self)
            if not one.metadata.get("names_files") and getattr(self, one.name) != one.default
        }


def located(path: str) -> Path:
    """Return a path of the configuration, ``~`` being the home folder."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - leaves ~nobody as it is


def require_folder(path: str) -> Path:
    """Return a folder that is there; raise :class:`UserError` if it is not."""
    folder = located(path)
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {problem}.", "correct the path in data_sets.")
    return folder


def require_file(path: str, hint: str = "correct the path in data_sets.") -> Path:
    """Return a file that is there; raise :class:`UserError` if it is not."""
    file = located(path)
    if not file.is_file():
        problem = "is no file" if file.exists() else "does not exist"
        raise UserError(f"{file} {problem}.", hint)
    return file
