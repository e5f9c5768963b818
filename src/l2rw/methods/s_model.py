r"""Methods that learn how labels go wrong (Goldberger and Ben-Reuven, ICLR 2017).

A layer behind the classifier adapts its prediction to the noise. It holds logits b, and

.. math:: \theta_{ij} = \frac{\exp b_{ij}}{\sum_k \exp b_{ik}}

is the probability that an image of class i is given label j (their simple model: the noise depends
on the class alone). The loss of an example with given label z is
:math:`-\log \sum_i p(y = i | x) \theta_{iz}`. The layer is trained with the network; evaluation
goes through the classifier, p(y | x), without it.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Method, TrainingContext

LEAST_NOISE = 1e-3
"""``s_model`` takes the share of wrong labels to be at least this, and at most one minus this, so
that all its logits are finite."""

LEAST_PROBABILITY = 1e-4
"""What ``s_model_conf`` raises smaller entries of the transition matrix to. They would give logits
that are infinite, or that never move: the gradient at a logit is proportional to its entry. With
100 classes a row changes by one part in a hundred at most."""


class SModel(Method):
    """The noise layer begins near the identity.

    The off-diagonal entries of a row share the noise evenly. As the paper remarks, the method
    gets the noise rate: the share of wrong labels in the training set.
    """

    def parameters(self, context: TrainingContext) -> dict[str, NDArray[np.float32]]:
        """Return ``noise_layer``, the logits b, shape (classes, classes)."""
        return {"noise_layer": np.log(self._initial_theta(context)).astype(np.float32)}

    def losses(self, logits: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        """Return minus the log-likelihood of the labels as given, shape (n,)."""
        log_p = F.log_softmax(logits, dim=1)
        log_theta = F.log_softmax(parameters["noise_layer"], dim=1)
        log_given = torch.logsumexp(log_p.unsqueeze(2) + log_theta, dim=1)
        return F.nll_loss(log_given, targets, reduction="none")

    def _initial_theta(self, context: TrainingContext) -> NDArray[np.float64]:
        """Return the smoothed identity, shape (classes, classes)."""
        wrong = 1 - float(context.train.label_is_correct.mean())
        noise = min(max(wrong, LEAST_NOISE), 1 - LEAST_NOISE)
        identity = np.eye(context.classes)
        return (1 - noise) * identity + noise / (context.classes - 1) * (1 - identity)


class SModelConf(SModel):
    """The noise layer begins at the transition matrix that the baseline of the seed suggests."""

    def _initial_theta(self, context: TrainingContext) -> NDArray[np.float64]:
        """Return the transition matrix, shape (classes, classes), rows summing to about one."""
        if context.transition is None:
            raise ValueError("s_model_conf needs a transition matrix")
        return np.maximum(context.transition, LEAST_PROBABILITY)
