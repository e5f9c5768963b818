"""What every later step reads: one data set in memory, and its file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.facts import Facts, data_file, facts_from_json, facts_to_json
from l2rw.data.splits import DatasetLabels, read_arrays
from l2rw.store.checksums import again, reading
from l2rw.store.errors import UserError
from l2rw.store.sealed_arrays import write_arrays

Images = NDArray[np.uint8]
Features = NDArray[np.float32]
Inputs = NDArray[Any]
"""Images, uint8 (n, channels, height, width), or rows of features, float32 (n, features)."""
Labels = NDArray[np.int64]


class Half(NamedTuple):
    """The training or the test half: images (n, channels, height, width) and labels (n,)."""

    images: Images
    labels: Labels


@dataclass(frozen=True)
class OwnLabels:
    """What more there is to say of labels that are not all known to be right."""

    given: Labels
    """Given labels of the training half, shape (n,)."""
    truth_is_known: NDArray[np.bool_]
    """Where ``train_labels`` are known to be right, shape (n,)."""
    clean: Labels
    """Examples of the training half whose labels the user trusts, ascending, shape (k,)."""
    groups: Labels
    """Of the training half, what must not be torn apart, shape (n,); empty without groups."""
    train_ids: NDArray[np.str_]
    """What the user calls the training examples: files or rows, shape (n,); empty if nothing."""
    test_ids: NDArray[np.str_]
    """Likewise of the test examples, shape (m,)."""


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels (n,) int64, for training and test."""

    name: str
    train_images: Inputs
    train_labels: Labels
    """The true ones as far as they are known, else those given, shape (n,)."""
    test_images: Inputs
    test_labels: Labels
    measured: Facts | None = None
    """Facts of a data set that is in no catalog."""
    own: OwnLabels | None = None
    """None where the labels are known to be right, or the data set has no others."""

    @property
    def info(self) -> Facts:
        """Facts of the data set."""
        return self.measured or CATALOG[self.name]

    @property
    def train_ids(self) -> NDArray[np.str_] | None:
        """What the user calls the training examples, shape (n,); None if nothing."""
        return self.own.train_ids if self.own and len(self.own.train_ids) else None

    @property
    def labels(self) -> DatasetLabels:
        """What splits are drawn from."""
        n, nothing = len(self.train_labels), np.array([], dtype=np.int64)
        own = self.own
        return DatasetLabels(
            train=self.train_labels,
            test=self.test_labels,
            given=own.given if own else self.train_labels,
            truth_is_known=own.truth_is_known if own else np.ones(n, dtype=bool),
            clean=own.clean if own else nothing,
            groups=own.groups if own else nothing,
            test_is_trusted=self.info.test_is_trusted,
        )

    def save(self, path: Path) -> None:
        """Write one uncompressed ``.npz``, atomically."""
        arrays = {
            name: getattr(self, name)
            for name in ("train_images", "train_labels", "test_images", "test_labels")
        }
        if self.measured:
            arrays["measured"] = np.array(json.dumps(facts_to_json(self.measured)))
        if self.own:
            arrays |= {f"own.{name}": value for name, value in vars(self.own).items()}
        write_arrays(path, {"name": np.array(self.name), **arrays})

    @classmethod
    def load(cls, path: Path, name: str | None = None) -> "Dataset":
        """Read what :meth:`save` wrote.

        Args:
            path: Of the file.
            name: That its content belongs under, as :func:`data_file` says; any if None.

        Raises:
            UserError: The file is missing or damaged, or holds another data set.
        """
        arrays = read_arrays(path)
        own = {k.removeprefix("own."): arrays.pop(k) for k in list(arrays) if k.startswith("own.")}
        with reading(path, "a data set"):
            called, measured = str(arrays.pop("name")), arrays.pop("measured", None)
            if measured is None and called not in CATALOG:
                raise ValueError(f"there is no published data set {called}")
            found = cls(
                name=called,
                **arrays,
                measured=None if measured is None else facts_from_json(json.loads(str(measured))),
                own=OwnLabels(**own) if own else None,
            )
        _require_name(path, found.info, name)
        return found


def read_facts(path: Path) -> Facts:
    """Read the facts of a data set that is in no catalog, without its examples.

    Raises:
        UserError: The file is missing or damaged, or its name is not that of its content.
    """
    with reading(path, "a data set of one's own"):
        found: Facts = facts_from_json(json.loads(str(read_arrays(path, ["measured"])["measured"])))
    _require_name(path, found, path.name)
    return found


def _require_name(path: Path, found: Facts, name: str | None) -> None:
    if name is not None and (belongs := data_file(found)) != name:
        raise UserError(f"{path} contains the data of {belongs}, not of {name}.", again(path))
