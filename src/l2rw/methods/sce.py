r"""Symmetric cross-entropy (Wang et al., ICCV 2019).

The loss adds to cross-entropy its reverse, in which label and prediction p change places. The
logarithm of a label's zeros is replaced by A, so with the given label y the loss of an example is

.. math:: -\alpha \log p_y - \beta A (1 - p_y) .

The paper calls A a constant below zero; the authors' code has log 1e-4, about -9.2, as here.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Method
from l2rw.methods.loss_settings import SCESettings


class SCE(Method):
    """The reverse term does not grow beyond all bounds for examples whose label seems wrong."""

    Settings = SCESettings
    settings: SCESettings

    def losses(self, logits: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        cross_entropy = F.cross_entropy(logits, targets, reduction="none")
        reverse = -math.log(self.settings.least_label) * -torch.expm1(-cross_entropy)
        return self.settings.alpha * cross_entropy + self.settings.beta * reverse
