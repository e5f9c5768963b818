r"""SMOTE (Chawla et al., 2002): class balance by synthetic examples between real ones.

Classes take turns in a batch. A class with N_c examples, where the largest has N, is filled up:
a share 1 - N_c/N of its places are synthetic,

.. math:: x_i + u (x_j - x_i) , \qquad u \sim U(0, 1) ,

with j one of the 5 nearest neighbours of i among the examples of the class, by Euclidean distance
of their pixels. Synthetic examples are drawn afresh at every step, not once before training.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from l2rw.data.splits import Indices, Part
from l2rw.data.streams import BalancedStream
from l2rw.methods.base import Arrays, Batch, ExampleOrder, Method, MethodState, TrainingContext
from l2rw.methods.weight_settings import SMOTESettings
from l2rw.store.randomness import generator

ROWS = 500  # of a table of distances at a time


class SMOTE(Method):
    """An image and its neighbour are moved and mirrored alike: the synthetic one is, that is."""

    Settings: ClassVar[type[SMOTESettings]] = SMOTESettings
    settings: SMOTESettings

    def order(self, train: Part, seed: int) -> ExampleOrder:
        """Let the classes take turns."""
        return BalancedStream(train, "batch", seed)

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``synthetic``, the share of synthetic examples by class, shape (classes,)."""
        counts = np.bincount(context.train.labels, minlength=context.classes)
        return {"synthetic": (1 - counts / counts.max()).astype(np.float32)}

    def partners(self, context: TrainingContext) -> Indices:
        """Return the nearest neighbours; those of the largest class, which stays, are itself.

        An example that is alone in its class is its own neighbour. Where a class has fewer
        neighbours than asked for, they take turns.
        """
        assert context.images is not None
        train, k = context.train, self.settings.neighbours
        result = np.repeat(np.arange(len(train))[:, None], k, axis=1)
        counts = np.bincount(train.labels)
        for label in np.flatnonzero((counts > 1) & (counts < counts.max())):
            members = np.flatnonzero(train.labels == label)
            nearest = nearest_neighbours(context.images[train.indices[members]], k)
            result[members] = members[np.resize(nearest.T, (k, len(members))).T]
        return result

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return ``chance`` and ``between``, uniform in [0, 1), shape (batch_size,)."""
        chance, between = generator("smote", seed, step).random((2, batch_size), np.float32)
        return {"chance": chance, "between": between}

    def examples(self, batch: Batch, state: MethodState) -> tuple[Tensor, Tensor]:
        """Return the images, some of them synthetic, and their labels."""
        synthetic = batch.extra["chance"] < state["synthetic"][batch.labels]
        u = (batch.extra["between"] * synthetic).to(batch.images.dtype)
        u = u.view(-1, *[1] * (batch.images.dim() - 1))
        return batch.images + u * (batch.extra["partner_images"] - batch.images), batch.labels


def nearest_neighbours(images: NDArray[np.uint8], k: int) -> Indices:
    """Return each image's nearest others, (n, min(k, n - 1)), nearest first; (n, …) images."""
    # Whole numbers below 2^53: sums are exact in any order, and equal on every machine.
    points = images.reshape(len(images), -1).astype(np.float64)
    squares = (points**2).sum(1)
    found = []
    for first in range(0, len(points), ROWS):
        rows = np.arange(first, min(first + ROWS, len(points)))
        distances = squares[rows, None] + squares - 2 * points[rows] @ points.T
        distances[np.arange(len(rows)), rows] = np.inf
        found.append(np.argsort(distances, axis=1, kind="stable")[:, : min(k, len(points) - 1)])
    return np.concatenate(found)
