r"""The focal loss (Lin et al., ICCV 2017), in its form for several classes.

With p_y the predicted probability of the given label, the loss of an example is

.. math:: -(1 - p_y)^\gamma \log p_y ,

so that examples that are predicted well hardly count.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Method
from l2rw.methods.loss_settings import FocalSettings


class Focal(Method):
    """Hard examples count more, those with wrong labels among them."""

    Settings = FocalSettings
    settings: FocalSettings

    def losses(self, logits: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        return focal_losses(logits, targets, self.settings.gamma)


def focal_losses(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Return focal losses, shape (n,), of logits (n, classes) and labels (n,)."""
    cross_entropy = F.cross_entropy(logits, labels, reduction="none")
    if gamma == 0:
        return cross_entropy
    # Kept off zero, where the slope of a power below 1 is infinite.
    distance = (-torch.expm1(-cross_entropy)).clamp(min=torch.finfo(logits.dtype).tiny)
    return distance**gamma * cross_entropy
