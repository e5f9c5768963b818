"""Weights drawn at random (section 4.1)."""

import numpy as np
from torch import Tensor

from l2rw.core.weights import normalise
from l2rw.methods.base import Arrays, Batch, Method, MethodState
from l2rw.store.randomness import generator


class Random(Method):
    """Weights drawn afresh each step: rectified normals divided by their sum."""

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return ``normals``, shape (batch_size,)."""
        random = generator("random weights", seed, step)
        return {"normals": random.standard_normal(batch_size, dtype=np.float32)}

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Rectify and normalise the normals, shape (n,)."""
        return normalise(batch.extra["normals"])
