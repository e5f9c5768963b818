"""The oracle that knows how many labels of a class are right (section 4.2)."""

import numpy as np

from l2rw.methods.base import Arrays, TrainingContext
from l2rw.methods.by_label import ByLabel


class Weighted(ByLabel):
    """A class of given labels counts by the share of them that are right.

    Weights are that share divided by the batch size. The paper says just this, so nothing makes up
    for the smaller mean: the more labels are wrong, the shorter the step.
    """

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``class_weights``, shape (classes,); a class without examples weighs nothing."""
        labels, classes = context.train.labels, context.classes
        counts = np.bincount(labels, minlength=classes)
        right = np.bincount(labels[context.train.label_is_correct], minlength=classes)
        shares = np.divide(right, counts, where=counts > 0, out=np.zeros(classes))
        return {"class_weights": shares.astype(np.float32)}
