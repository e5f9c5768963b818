"""Class balance by weights (section 4.1)."""

import numpy as np

from l2rw.methods.base import Arrays, TrainingContext
from l2rw.methods.by_label import ByLabel


class Proportion(ByLabel):
    """An example counts by the inverse frequency of its class.

    Weights are ``N / (classes · N_label)`` divided by the batch size: their mean over the training
    set is that of the baseline.
    """

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``class_weights``, shape (classes,); a class without examples weighs nothing."""
        labels, classes = context.train.labels, context.classes
        counts = np.bincount(labels, minlength=classes)
        weights = np.divide(len(labels), classes * counts, where=counts > 0, out=np.zeros(classes))
        return {"class_weights": weights.astype(np.float32)}
