r"""Gold loss correction (Hendrycks et al., NeurIPS 2018).

The loss is that of :mod:`l2rw.methods.forward_correction`, and plain cross-entropy for the clean
images, which are training examples like the others. A first network, the baseline of the seed,
estimates T with their help: row i is its mean prediction for the clean images A_i of class i,

.. math:: T_{ij} = \frac{1}{|A_i|} \sum_{x \in A_i} \hat{p}(j | x) .
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from l2rw.methods.base import TrainingContext
from l2rw.methods.forward_correction import ForwardCorrection
from l2rw.methods.settings import NoSettings


class GLC(ForwardCorrection):
    """A class without clean images is taken to be labelled rightly."""

    Settings: ClassVar[type[Any]] = NoSettings

    def transition(self, context: TrainingContext) -> NDArray[np.float64]:
        """Return T, shape (classes, classes)."""
        if context.parent_probabilities is None:
            raise ValueError("a first network is needed")
        predicted = context.parent_probabilities(context.clean)
        result = np.eye(context.classes)
        for label in np.unique(context.clean.labels):
            result[label] = predicted[context.clean.labels == label].mean(0)
        return result

    def trusted(self, context: TrainingContext) -> NDArray[np.bool_]:
        """Return which training examples are of the clean set, shape (N,)."""
        return context.trusted
