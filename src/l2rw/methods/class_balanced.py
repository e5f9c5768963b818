r"""Class balance by the effective number of examples (Cui et al., CVPR 2019).

Of N_c examples of a class only (1 - β^N_c) / (1 - β) are taken to bring something new. A class
weighs by the inverse of that, and all weights are scaled so that their sum over the C classes is C:

.. math:: w_c = C \frac{(1 - \beta) / (1 - \beta^{N_c})}{\sum_k (1 - \beta) / (1 - \beta^{N_k})} .
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Arrays, TrainingContext
from l2rw.methods.by_label import ByLabel
from l2rw.methods.focal import focal_losses
from l2rw.methods.loss_settings import ClassBalancedSettings


class ClassBalanced(ByLabel):
    """The loss weighed is cross-entropy, or with γ > 0 the focal loss."""

    Settings = ClassBalancedSettings
    settings: ClassBalancedSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``class_weights``, shape (classes,)."""
        return {"class_weights": class_weights(context, self.settings.beta)}

    def losses(self, logits: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        return focal_losses(logits, targets, self.settings.gamma)


def class_weights(context: TrainingContext, beta: float) -> NDArray[np.float32]:
    """Return w, shape (classes,); a class without examples weighs nothing."""
    counts = np.bincount(context.train.labels, minlength=context.classes)
    effective = 1 - beta ** counts.astype(np.float64)
    inverse = np.divide(1, effective, where=counts > 0, out=np.zeros(context.classes))
    scaled: NDArray[np.float32] = (context.classes * inverse / inverse.sum()).astype(np.float32)
    return scaled
