"""The paper's method."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.methods import METHODS
from l2rw.methods.base import AdvanceOwn, Batch, Losses, Method, MethodState
from l2rw.methods.weight_settings import CROSS_ENTROPY, L2RWSettings


class L2RW(Method):
    """The clean batch decides at every step how much each example counts (Algorithm 1).

    The loss is the same for training and clean examples, f in the paper. By the settings it may be
    another method's; evaluations report cross-entropy in any case.
    """

    Settings = L2RWSettings
    settings: L2RWSettings

    def __init__(self, settings: L2RWSettings | None = None) -> None:
        """Args: ``settings``; the defaults if None."""
        super().__init__(settings)
        loss = self.settings.loss
        self._of_loss: Method | None = None if loss == CROSS_ENTROPY else METHODS.load(loss)()

    def losses(self, logits: Tensor, targets: Any, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        if self._of_loss is None:
            return F.cross_entropy(logits, targets, reduction="none")
        return self._of_loss.losses(logits, targets, parameters)

    def gradient(
        self,
        losses: Losses,
        parameters: Parameters,
        batch: Batch,
        state: MethodState,
        advance_own: AdvanceOwn,
    ) -> WeightedGradient:
        """Weight by alignment with the clean gradient; see :mod:`l2rw.core.weights`."""
        clean_batch = batch.extra["clean_images"], batch.extra["clean_labels"]
        return losses.reweighted_gradient(parameters, (batch.images, batch.labels), clean_batch)
