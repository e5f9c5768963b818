"""A split: which images play which part for one seed, under which labels."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2rw.store.checksums import again, reading
from l2rw.store.errors import UserError
from l2rw.store.sealed_arrays import verify_arrays, write_arrays

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Some images of a data set's training or test half, as indices and labels, never copies."""

    indices: Indices
    """Positions in the half, unique, shape (n,)."""
    labels: Indices
    """The labels given, shape (n,)."""
    label_is_correct: NDArray[np.bool_]
    """Where the given label is the right one, as far as is known, shape (n,)."""
    truth_is_known: NDArray[np.bool_] = None  # type: ignore[assignment]
    """Where it is known whether the label is right, shape (n,); everywhere unless told."""

    def __post_init__(self) -> None:
        """Take the truth to be known unless told otherwise."""
        if self.truth_is_known is None:
            object.__setattr__(self, "truth_is_known", np.ones(len(self.indices), dtype=bool))

    @property
    def surely_right(self) -> NDArray[np.bool_]:
        """Where the given label is known to be right, shape (n,)."""
        return self.label_is_correct & self.truth_is_known

    @property
    def surely_wrong(self) -> NDArray[np.bool_]:
        """Where the given label is known to be wrong, shape (n,)."""
        return ~self.label_is_correct & self.truth_is_known

    def __len__(self) -> int:
        return len(self.indices)

    def __add__(self, other: "Part") -> "Part":
        """Return the images of both, this part's first."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Part(*(np.concatenate(pair) for pair in pairs))


KEYS = {"indices": "indices", "labels": "labels", "label_is_correct": "truth"}
"""Fields of a part by the keys that they have in files."""
NAME, KNOWN = "name", "known"
"""Keys in files of the split's name, and of ``truth_is_known`` where it is not known of all."""


@dataclass(frozen=True)
class DatasetLabels:
    """What splits are drawn from: the labels of a data set, and what is known of them."""

    train: Indices
    """Of the training half, the true labels where they are known, else the given ones, (n,)."""
    test: Indices
    """Of the test half, shape (m,)."""
    given: Indices
    """Given labels of the training half, shape (n,)."""
    truth_is_known: NDArray[np.bool_]
    """Where :attr:`train` is known to be right, shape (n,)."""
    clean: Indices
    """Examples of the training half whose labels the user trusts, in ascending order, (k,)."""
    groups: Indices
    """Of the training half, what must not be torn apart, shape (n,); empty without groups."""
    test_is_trusted: bool = True
    """Whether the labels of the test half are held to be right."""


@dataclass(frozen=True)
class Split:
    """What a corruption yields for one seed.

    ``train``, ``clean`` and ``validation`` are disjoint parts of the training half; ``validation``
    is the hyper-validation set, corrupted like ``train``, empty where an experiment has none.
    """

    train: Part
    clean: Part
    validation: Part
    test: Part

    def save(self, path: Path, name: str = "") -> None:
        """Write an uncompressed ``.npz``, atomically; equal splits give equal bytes.

        Args:
            path: Of the file.
            name: Whose split it is, as :func:`~l2rw.store.paths.split_name` says.
        """
        arrays = {
            f"{part.name}.{key}": getattr(getattr(self, part.name), name)
            for part in fields(Split)
            for name, key in KEYS.items()
        }
        for one in fields(Split):
            part: Part = getattr(self, one.name)
            if not part.truth_is_known.all():
                arrays[f"{one.name}.{KNOWN}"] = part.truth_is_known
        write_arrays(path, arrays | ({NAME: np.array(name)} if name else {}))

    @classmethod
    def load(cls, path: Path, name: str | None = None) -> "Split":
        """Read what :meth:`save` wrote.

        Args:
            path: Of the file.
            name: Whose split it must be, unless it is of a version that did not say; any if None.

        Raises:
            UserError: The file is missing or damaged, or another split.
        """
        arrays = read_arrays(path)
        told = str(arrays.pop(NAME, ""))
        if told and name is not None and told != name:
            raise UserError(f"{path} is the split {told}, not {name}.", again(path))

        def part(name: str) -> Part:
            stored = {field: arrays[f"{name}.{key}"] for field, key in KEYS.items()}
            known = arrays.get(f"{name}.{KNOWN}", np.ones(len(stored["indices"]), dtype=bool))
            return Part(**stored, truth_is_known=known)

        with reading(path, "a split"):
            return cls(**{one.name: part(one.name) for one in fields(cls)})


def read_arrays(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read an ``.npz`` file.

    Args:
        path: Of the file.
        names: Of the arrays to read; all if None.

    Raises:
        UserError: The file is missing or damaged, or of another kind.
    """
    with reading(path, "arrays"):
        verify_arrays(path)
        arrays = np.load(path, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")
        with arrays:
            return {name: arrays[name] for name in names or arrays.files}


def make_part(
    indices: Indices,
    labels: Indices,
    true_labels: Indices | None = None,
    truth_is_known: NDArray[np.bool_] | None = None,
) -> Part:
    """Order a part by index; the labels are right unless ``true_labels`` says otherwise."""
    order = np.argsort(indices)
    right = labels if true_labels is None else true_labels
    known = np.ones(len(labels), dtype=bool) if truth_is_known is None else truth_is_known
    return Part(indices[order], labels[order], (labels == right)[order], known[order])


EMPTY = make_part(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
