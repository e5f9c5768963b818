"""A split: which images play which part for one seed, under which labels."""

import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2rw.store.errors import UserError
from l2rw.store.files import replacing

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Some images of a data set's training or test half, as indices and labels, never copies."""

    indices: Indices
    """Positions in the half, unique, shape (n,)."""
    labels: Indices
    """The labels given, shape (n,)."""
    label_is_correct: NDArray[np.bool_]
    """Where the given label is the right one, shape (n,)."""

    def __len__(self) -> int:
        return len(self.indices)

    def __add__(self, other: "Part") -> "Part":
        """Return the images of both, this part's first."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Part(*(np.concatenate(pair) for pair in pairs))


KEYS = {"indices": "indices", "labels": "labels", "label_is_correct": "truth"}
"""Fields of a part by the keys that they have in files."""


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

    def save(self, path: Path) -> None:
        """Write an uncompressed ``.npz``, atomically; equal splits give equal bytes."""
        arrays = {
            f"{part.name}.{key}": getattr(getattr(self, part.name), name)
            for part in fields(Split)
            for name, key in KEYS.items()
        }
        with replacing(path) as partial:
            np.savez(partial, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Split":
        """Read what :meth:`save` wrote; raise :class:`UserError` if the file is damaged."""
        arrays = read_arrays(path)
        parts = {
            part.name: Part(*(arrays[f"{part.name}.{key}"] for key in KEYS.values()))
            for part in fields(cls)
        }
        return cls(**parts)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an ``.npz`` file, whose CRC-32 guards against damage.

    Raises:
        UserError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}: {error}).",
            "delete it and run again, or bring it back with `dvc checkout`.",
        ) from None


def make_part(indices: Indices, labels: Indices, true_labels: Indices | None = None) -> Part:
    """Order a part by index; the labels are right unless ``true_labels`` says otherwise."""
    order = np.argsort(indices)
    right = labels if true_labels is None else true_labels
    return Part(indices[order], labels[order], (labels == right)[order])


EMPTY = make_part(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
