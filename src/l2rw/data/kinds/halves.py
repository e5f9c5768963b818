"""What is for testing: drawn by class, groups kept together."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.dataset import Labels


def draw_test(
    ids: Sequence[str], labels: Labels, groups: Sequence[str] | None, share: float, seed: int
) -> NDArray[np.bool_]:
    """Draw a share of each class for testing, at least one example and never all.

    What is drawn goes by a digest of id (or group) and seed: more examples move few others.

    Args:
        ids: Of the examples, all different.
        labels: From 0 on, shape (n,).
        groups: Names of groups that are kept together, if any; shares are then met as nearly as
            groups allow.
        share: In (0, 1).
        seed: Of the draw.

    Returns:
        Which are for testing, shape (n,).
    """
    sizes = np.bincount(labels)
    wanted = np.clip(np.rint(share * sizes), np.minimum(1, sizes), np.maximum(sizes - 1, 0))
    if groups is None:
        return _draw_examples(ids, labels, wanted, seed)
    return _draw_groups(groups, labels, wanted, seed)


def _draw_examples(
    ids: Sequence[str], labels: Labels, wanted: NDArray[np.float64], seed: int
) -> NDArray[np.bool_]:
    keys = np.array([_key(one, seed) for one in ids])
    test = np.zeros(len(ids), dtype=bool)
    for label, count in enumerate(wanted):
        own = np.flatnonzero(labels == label)
        test[own[np.argsort(keys[own])][: int(count)]] = True
    return test


def _draw_groups(
    groups: Sequence[str], labels: Labels, wanted: NDArray[np.float64], seed: int
) -> NDArray[np.bool_]:
    """Take groups, in random order, as long as each brings the counts nearer to what is wanted."""
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((len(names), len(wanted)))
    np.add.at(counts, (members, labels), 1)
    taken, missing = np.zeros(len(names), dtype=bool), wanted.copy()
    # A class counts by the share of it that is missing, however large it is.
    scale = np.maximum(wanted, 1)
    for group in np.argsort([_key(str(name), seed) for name in names]):
        after = missing - counts[group]
        if np.square(after / scale).sum() < np.square(missing / scale).sum():
            taken[group], missing = True, after
    test: NDArray[np.bool_] = taken[members]
    return test


def _key(name: str, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:7], "big")
