r"""Generalised cross-entropy (Zhang and Sabuncu, NeurIPS 2018).

With p_y the predicted probability of the given label, the loss of an example is

.. math:: (1 - p_y^q) / q ,

which counts examples by p_y^q against cross-entropy: those whose label seems wrong count less.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Method
from l2rw.methods.loss_settings import GCESettings


class GCE(Method):
    """Between cross-entropy (q → 0) and the mean absolute error (q = 1)."""

    Settings = GCESettings
    settings: GCESettings

    def losses(self, logits: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,), in [0, 1/q]."""
        log_p = -F.cross_entropy(logits, targets, reduction="none")
        # From the logarithm: p itself may be zero, where the slope of p^q is infinite.
        return -torch.expm1(self.settings.q * log_p) / self.settings.q
