r"""Forward correction for label noise (Patrini et al., CVPR 2017).

With the probability T_ij that an image of class i is given label j, the loss of an example with
given label z is

.. math:: -\log \sum_i p(y = i | x) T_{iz} ,

as in :mod:`l2rw.methods.s_model`, but T is constant. A first network, the baseline of the seed,
estimates it: row i is its prediction for the anchor of class i, an image that it assigns to class
i with high probability,

.. math:: T_{ij} = \hat{p}(j | \bar{x}_i) .

In the paper, the anchor is the image with the largest p(i | x). The network is often too confident
about it, so the authors' code skips the first three percent of the images for ten classes, as here.
"""

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Arrays, Batch, Method, MethodState, TrainingContext
from l2rw.methods.loss_settings import ForwardSettings

LEAST_PROBABILITY = 1e-8
"""What smaller entries of T are raised to, so that all losses are finite."""

Targets = tuple[Tensor, Tensor, Tensor]
"""Labels (n,), the logarithms of their columns of T (n, classes), and which are trusted (n,)."""


class ForwardCorrection(Method):
    """No label is trusted.

    Anchors are images of the hyper-validation set, because the first network may have memorised
    its training labels.
    """

    Settings: ClassVar[type[Any]] = ForwardSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``log_columns``, row z of which is log T_iz, and ``trusted``, shape (N,)."""
        log_t = np.log(np.maximum(self.transition(context), LEAST_PROBABILITY))
        return {"log_columns": log_t.T.astype(np.float32), "trusted": self.trusted(context)}

    def transition(self, context: TrainingContext) -> NDArray[np.float64]:
        """Return T, shape (classes, classes)."""
        if context.parent_probabilities is None:
            raise ValueError("a first network is needed")
        predicted = context.parent_probabilities(context.validation)
        passed_over = int(self.settings.passed_over * len(predicted) / context.classes)
        anchors = np.argsort(-predicted, axis=0, kind="stable")[passed_over]
        rows: NDArray[np.float64] = predicted[anchors]
        return rows

    def trusted(self, context: TrainingContext) -> NDArray[np.bool_]:
        """Return which training examples have labels that need no correction, shape (N,)."""
        return np.zeros(len(context.train), dtype=bool)

    def examples(self, batch: Batch, state: MethodState) -> tuple[Tensor, Targets]:
        """Return the images, and their labels with what is known of these."""
        columns = state["log_columns"][batch.labels]
        return batch.images, (batch.labels, columns, state["trusted"][batch.positions])

    def losses(self, logits: Tensor, targets: Targets, parameters: Parameters) -> Tensor:
        """Return minus the log-likelihoods of the given labels, shape (n,)."""
        labels, log_columns, trusted = targets
        corrected = -torch.logsumexp(F.log_softmax(logits, dim=1) + log_columns, dim=1)
        return torch.where(trusted, F.cross_entropy(logits, labels, reduction="none"), corrected)
