"""Methods whose weights are known before the pass."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from l2rw.data.splits import Indices
from l2rw.methods.contract import Batch, Method
from l2rw.randomness import generator
from l2rw.weights import normalise


class Baseline(Method):
    """Every example counts the same."""


class Proportion(Method):
    """An example counts by the inverse frequency of its class (section 4.1).

    Weights are ``N / (classes · N_label)`` divided by the batch size: their mean over the training
    set is that of the baseline.
    """

    def constants(self, labels: Indices, classes: int) -> dict[str, NDArray[np.float32]]:
        """Return ``class_weights``, shape (classes,); a class without examples weighs nothing."""
        counts = np.bincount(labels, minlength=classes)
        weights = np.divide(len(labels), classes * counts, where=counts > 0, out=np.zeros(classes))
        return {"class_weights": weights.astype(np.float32)}

    def weights(self, batch: Batch) -> Tensor:
        """Look the weights up by label, shape (n,)."""
        return batch.extra["class_weights"][batch.labels] / len(batch.labels)


class Random(Method):
    """Weights drawn afresh each step: rectified normals divided by their sum (section 4.1)."""

    def noise(self, batch_size: int, seed: int, step: int) -> dict[str, NDArray[np.float32]]:
        """Return ``normals``, shape (batch_size,)."""
        random = generator("random weights", seed, step)
        return {"normals": random.standard_normal(batch_size, dtype=np.float32)}

    def weights(self, batch: Batch) -> Tensor:
        """Rectify and normalise the normals, shape (n,)."""
        return normalise(batch.extra["normals"])
