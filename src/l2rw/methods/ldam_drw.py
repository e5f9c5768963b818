r"""Label-distribution-aware margins, with deferred reweighting (Cao et al., NeurIPS 2019).

Logits are s times the cosines z between features and class weights. A class of N_c examples is to
win by a margin Δ_c ∝ N_c^(-1/4), the largest being that of the settings:

.. math:: -\log \frac{e^{s (z_y - \Delta_y)}}{e^{s (z_y - \Delta_y)} + \sum_{k \ne y} e^{s z_k}} .

Examples count alike at first, and in the last fifth of the steps by the weights of
:mod:`l2rw.methods.class_balanced`. As in the authors' code, weights of a batch sum to one.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2rw.core.weights import Parameters
from l2rw.methods.base import Arrays, Batch, Method, MethodState, TrainingContext
from l2rw.methods.class_balanced import class_weights
from l2rw.methods.loss_settings import LDAMSettings
from l2rw.models.initialisation import Model

Targets = tuple[Tensor, Tensor]
"""Labels (n,), and by how much each cosine is lowered, (n, classes)."""


class LDAMDRW(Method):
    """The network's last linear layer becomes a cosine classifier, without biases."""

    Settings = LDAMSettings
    settings: LDAMSettings

    def adapt(self, model: Model) -> Model:
        """Let the last linear layer yield scaled cosines."""
        name, last = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
        parent, _, attribute = name.rpartition(".")
        cosines = CosineClassifier(last.in_features, last.out_features, self.settings.scale)
        setattr(model.get_submodule(parent), attribute, cosines)
        return model

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``margins``, ``class_weights`` and the step of ``change``.

        A row of margins, shape (classes, classes), is what examples of a class lower; class weights
        have the shape (classes,).
        """
        counts = np.bincount(context.train.labels, minlength=context.classes)
        inverse = counts.clip(1) ** -0.25
        margins = self.settings.margin * inverse / inverse[counts > 0].max()
        return {
            "margins": np.diag(margins).astype(np.float32),
            "class_weights": class_weights(context, self.settings.beta),
            "change": np.asarray(round(self.settings.reweights_from * context.steps)),
        }

    def examples(self, batch: Batch, state: MethodState) -> tuple[Tensor, Targets]:
        """Return the images, and their labels with the margins."""
        return batch.images, (batch.labels, state["margins"][batch.labels])

    def losses(self, logits: Tensor, targets: Targets, parameters: Parameters) -> Tensor:
        """Return example losses, shape (n,)."""
        labels, margins = targets
        return F.cross_entropy(logits - self.settings.scale * margins, labels, reduction="none")

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return example weights that sum to one, shape (n,)."""
        of_class = state["class_weights"][batch.labels]
        weights = torch.where(batch.step >= state["change"], of_class, torch.ones_like(of_class))
        return weights / weights.sum()


class CosineClassifier(nn.Linear):
    """Logits are the scaled cosines between features and the classes' weights."""

    def __init__(self, features: int, classes: int, scale: float) -> None:
        """Args: ``features`` come in, ``classes`` go out."""
        super().__init__(features, classes, bias=False)
        self._scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Map features (n, inputs) to logits (n, classes)."""
        cosines = F.linear(F.normalize(features), F.normalize(self.weight))
        return self._scale * cosines
