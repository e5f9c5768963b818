r"""Early-learning regularisation (Liu et al., NeurIPS 2020).

Every training example has a target that follows its prediction p, and is a constant in the loss:

.. math:: t \leftarrow \beta t + (1 - \beta) p , \qquad
    -\log p_y + \lambda \log(1 - \langle t, p \rangle) .

The second term keeps what was learnt early, before wrong labels were. As in the authors' code, p is
kept within 1e-4 of zero and one there.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.core.weights import Parameters
from l2rw.methods.base import Arrays, Batch, Method, MethodState, StepResult, TrainingContext
from l2rw.methods.loss_settings import ELRSettings

LEAST_PROBABILITY = 1e-4

Targets = tuple[Tensor, Tensor]
"""Labels (n,), and the remembered targets (n, classes)."""


class ELR(Method):
    """The state ``targets``, shape (N, classes), begins at zero.

    An example that a batch holds twice moves its target once.
    """

    Settings = ELRSettings
    settings: ELRSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``targets``."""
        return {"targets": np.zeros((len(context.train), context.classes), np.float32)}

    def examples(self, batch: Batch, state: MethodState) -> tuple[Tensor, Targets]:
        """Return the images, and their labels with the targets so far."""
        return batch.images, (batch.labels, state["targets"][batch.positions])

    def losses(self, logits: Tensor, targets: Targets, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        labels, remembered = targets
        agreement = (self._moved(remembered, logits) * _probabilities(logits)).sum(1)
        regularisation = torch.log1p(-agreement)
        cross_entropy = F.cross_entropy(logits, labels, reduction="none")
        return cross_entropy + self.settings.strength * regularisation

    def update(self, state: MethodState, result: StepResult) -> None:
        """Keep the targets of the batch's examples."""
        positions = result.batch.positions
        targets = self._moved(state["targets"][positions], result.logits)
        state["targets"][positions] = targets.to(state["targets"].dtype)

    def _moved(self, remembered: Tensor, logits: Tensor) -> Tensor:
        p = _probabilities(logits.detach())
        beta = self.settings.beta
        return beta * remembered + (1 - beta) * p / p.sum(1, keepdim=True)


def _probabilities(logits: Tensor) -> Tensor:
    return logits.softmax(1).clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
