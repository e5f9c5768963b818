"""How well scores distinguish wrong labels from right ones."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from l2rw.training.roc import area_under_roc


class Quality(NamedTuple):
    """How well scores distinguish wrong labels from right ones."""

    auc: float
    """Probability that a wrong label scores higher than a right one, a tie counting half."""
    average_precision: float
    """Mean share of wrong labels among those that score as high as a wrong label or higher."""
    recall: float
    """Share of the wrong labels found among as many highest scores as there are wrong labels."""


def quality(scores: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Quality:
    """Measure scores (n,) against the truth (n,), which has wrong and right labels.

    Where scores tie, all orders of the tied examples are taken together.
    """
    bad, good = np.sort(scores[wrong]), np.sort(scores[~wrong])
    if not (len(bad) and len(good)):
        raise ValueError("there must be wrong labels and right ones")
    found = len(bad) - np.searchsorted(bad, bad, side="left")  # wrong ones as high as each
    looked_at = found + len(good) - np.searchsorted(good, bad, side="left")
    least = np.sort(scores)[-len(bad)]  # of as many highest scores as there are wrong labels
    certain, tied = (scores > least), (scores == least)
    places = len(bad) - certain.sum()
    recall = (wrong[certain].sum() + places * wrong[tied].mean()) / len(bad)
    precision = (found / looked_at).mean()
    return Quality(area_under_roc(bad, good), float(precision), float(recall))
