r"""mixup (Zhang et al., ICLR 2018).

A step draws a share λ of Beta(α, α) and a partner j(i) for every example i of its batch. It trains
on

.. math:: \lambda x_i + (1 - \lambda) x_{j(i)} , \qquad \lambda y_i + (1 - \lambda) y_{j(i)} .
"""

import numpy as np
from torch import Tensor

from l2rw.methods.base import Arrays, Batch, Method, MethodState, TrainingContext
from l2rw.methods.loss_settings import MixupSettings
from l2rw.store.randomness import generator


class Mixup(Method):
    """Images and targets are mixed in pairs; partners are a permutation of the batch."""

    Settings = MixupSettings
    settings: MixupSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``one_hot``, the distributions of the labels, shape (classes, classes)."""
        return {"one_hot": np.eye(context.classes, dtype=np.float32)}

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return ``share``, a scalar in [0, 1], and ``partners``, shape (batch_size,)."""
        random = generator("mixup", seed, step)
        share = random.beta(self.settings.alpha, self.settings.alpha)
        return {"share": np.asarray(share, np.float32), "partners": random.permutation(batch_size)}

    def examples(self, batch: Batch, state: MethodState) -> tuple[Tensor, Tensor]:
        """Return mixed images and their distributions over classes, shape (n, classes)."""
        share, partners = batch.extra["share"], batch.extra["partners"]
        given = state["one_hot"][batch.labels]
        images = share * batch.images + (1 - share) * batch.images[partners]
        return images, share * given + (1 - share) * given[partners]
