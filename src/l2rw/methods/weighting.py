"""Methods whose weights are known before the pass."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.weights import normalise
from l2rw.methods.contract import Batch, Given, Method
from l2rw.store.randomness import generator


class Baseline(Method):
    """Every example counts the same."""


class CleanOnly(Baseline):
    """The baseline on the clean set alone, which the plan makes its training set (section 4.2)."""


class _ByLabel(Method):
    """An example counts by its given label: ``class_weights`` over the batch size."""

    def weights(self, batch: Batch) -> Tensor:
        """Look the weights up by label, shape (n,)."""
        return batch.extra["class_weights"][batch.labels] / len(batch.labels)


class Proportion(_ByLabel):
    """An example counts by the inverse frequency of its class (section 4.1).

    Weights are ``N / (classes · N_label)`` divided by the batch size: their mean over the training
    set is that of the baseline.
    """

    def constants(self, given: Given) -> dict[str, NDArray[np.float32]]:
        """Return ``class_weights``, shape (classes,); a class without examples weighs nothing."""
        labels, classes = given.train.labels, given.classes
        counts = np.bincount(labels, minlength=classes)
        weights = np.divide(len(labels), classes * counts, where=counts > 0, out=np.zeros(classes))
        return {"class_weights": weights.astype(np.float32)}


class Weighted(_ByLabel):
    """Oracle: a class of given labels counts by the share of them that are right (section 4.2).

    Weights are that share divided by the batch size. The paper says just this, so nothing makes up
    for the smaller mean: the more labels are wrong, the shorter the step.
    """

    def constants(self, given: Given) -> dict[str, NDArray[np.float32]]:
        """Return ``class_weights``, shape (classes,); a class without examples weighs nothing."""
        labels, classes = given.train.labels, given.classes
        counts = np.bincount(labels, minlength=classes)
        right = np.bincount(labels[given.train.truth], minlength=classes)
        shares = np.divide(right, counts, where=counts > 0, out=np.zeros(classes))
        return {"class_weights": shares.astype(np.float32)}


class Random(Method):
    """Weights drawn afresh each step: rectified normals divided by their sum (section 4.1)."""

    def noise(self, batch_size: int, seed: int, step: int) -> dict[str, NDArray[np.float32]]:
        """Return ``normals``, shape (batch_size,)."""
        random = generator("random weights", seed, step)
        return {"normals": random.standard_normal(batch_size, dtype=np.float32)}

    def weights(self, batch: Batch) -> Tensor:
        """Rectify and normalise the normals, shape (n,)."""
        return normalise(batch.extra["normals"])
