r"""Methods whose targets mix the given label with the prediction (Reed et al., 2015).

With q the predicted distribution, t the given label and r a function of the prediction
(t and r as distributions over the classes), the loss of an example is

.. math:: -\sum_k [\beta t_k + (1 - \beta) r_k] \log q_k .
"""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Method


class _Bootstrapping(Method):
    """Cross-entropy against the mixed target."""

    beta: ClassVar[float]
    """Share of the given label in the target; the values are the paper's (section 4.2)."""

    def losses(self, logits: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        log_q = F.log_softmax(logits, dim=1)
        against_label = F.nll_loss(log_q, targets, reduction="none")
        return self.beta * against_label + (1 - self.beta) * self._against_prediction(log_q)

    def _against_prediction(self, log_q: Tensor) -> Tensor:
        """Return the cross-entropy of q, shape (n, classes), relative to r, shape (n,)."""
        raise NotImplementedError


class ReedSoft(_Bootstrapping):
    """r is q itself, and the gradient flows through it (Reed et al., section 3.2).

    As they note, this is training under minimum-entropy regularisation.
    """

    beta = 0.95

    def _against_prediction(self, log_q: Tensor) -> Tensor:
        return -(log_q.exp() * log_q).sum(dim=1)


class ReedHard(_Bootstrapping):
    """r is one at the class predicted, zero elsewhere, and a constant (Reed et al., section 3.2).

    So training alternates between correcting the targets and fitting them.
    """

    beta = 0.8

    def _against_prediction(self, log_q: Tensor) -> Tensor:
        return F.nll_loss(log_q, log_q.argmax(dim=1), reduction="none")
