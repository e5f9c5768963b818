"""Problems whose constants are known: linear models on real images, and the counterexample.

Features never change, so a model is fully described by its scores on the examples. A step moves
the scores of all examples by the products of their features with those of the batch, that is by
rows of the Gram matrix: N numbers for each example of the batch where the parameters themselves
would need as many as there are pixels.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.data.datasets.dataset import Dataset, Images
from l2rw.data.splits import Split
from l2rw.store.errors import UserError
from l2rw.theory.losses import Huber, Logistic, Loss, Softmax
from l2rw.theory.spec import Model


@dataclass(frozen=True)
class Problem:
    """Training examples and a clean set, for a linear model. All tensors are float64.

    Scores, slopes and targets have the shape (..., outputs, examples); clean examples come first.
    """

    loss: Loss
    features: Tensor
    """With the bias feature, shape (examples, features)."""
    targets: Tensor
    """Shape (outputs, examples)."""
    clean_size: int
    """M: the first M examples are the clean set."""
    start: Tensor
    """Scores at θ_0, shape (outputs, examples)."""
    contains_clean: bool = True
    """Whether the clean examples are training examples too, as the theorem assumes."""

    @cached_property
    def gram(self) -> Tensor:
        """Inner products of the examples' features, shape (examples, examples)."""
        return self.features @ self.features.T

    @property
    def first_training(self) -> int:
        """Position of the first training example; all from there on are training examples."""
        return 0 if self.contains_clean else self.clean_size

    @property
    def training_size(self) -> int:
        """N, the number of training examples."""
        return len(self.features) - self.first_training

    def clean_loss(self, scores: Tensor) -> Tensor:
        """Return G, shape (...); needs only the clean examples' scores."""
        clean = self.clean_size
        return self.loss.values(scores[..., :clean], self.targets[:, :clean]).mean(-1)

    def clean_slopes(self, scores: Tensor) -> Tensor:
        """Return the clean examples' slopes, shape (..., outputs, M); needs only their scores."""
        clean = self.clean_size
        return self.loss.slopes(scores[..., :clean], self.targets[:, :clean])

    def squared_gradient(self, scores: Tensor) -> Tensor:
        """Return ‖∇G‖² = Σ_jk ⟨r_j, r_k⟩ ⟨x_j, x_k⟩ / M² with slopes r of clean examples, (...)."""
        clean = self.clean_size
        slopes = self.clean_slopes(scores)
        return (slopes @ self.gram[:clean, :clean] * slopes).sum((-2, -1)) / clean**2

    def products(self, scores: Tensor) -> Tensor:
        """Return ⟨∇G, ∇f_i⟩ = Σ_j ⟨r_i, r_j⟩ ⟨x_i, x_j⟩ / M over clean j, for all examples i.

        Args:
            scores: Of all examples, shape (..., outputs, examples).

        Returns:
            Shape (..., examples).
        """
        pulls = self.clean_slopes(scores) @ self.gram[: self.clean_size] / self.clean_size
        return (self.loss.slopes(scores, self.targets) * pulls).sum(-2)


def huber_problem() -> Problem:
    """Return the counterexample: f = G = Huber loss of θ in one dimension, from θ_0 = 1.

    Its batches are copies of its one example.
    """
    one = torch.ones(1, 1, dtype=torch.float64)
    return Problem(Huber(), features=one, targets=torch.zeros_like(one), clean_size=1, start=one)


def linear_problem(
    model: Model, dataset: Dataset, split: Split, *, contains_clean: bool = True
) -> Problem:
    """Build a classifier of a split's images, to be trained from θ_0 = 0.

    Args:
        model: ``logistic`` or ``softmax``.
        dataset: Where the images lie.
        split: Its clean set, rightly labelled, is training data too.
        contains_clean: False breaks this condition of the theorem.
    """
    part = split.clean + split.train
    images = dataset.train_images[part.indices]
    labels = torch.from_numpy(part.labels)
    classes = 1 + int(max(part.labels.max(), split.test.labels.max(initial=0)))
    loss: Loss
    if model == "logistic":
        if classes > 2:
            raise UserError(
                f"Logistic regression distinguishes two classes; there are {classes}.",
                "choose the model softmax.",
            )
        loss, targets = Logistic(), labels[None].double()
    else:
        loss, targets = Softmax(), F.one_hot(labels, classes).T.double()
    start = torch.zeros_like(targets)
    return Problem(loss, features_of(images), targets, len(split.clean), start, contains_clean)


def features_of(images: Images) -> Tensor:
    """Turn images into vectors of unit length.

    Pixels in [0, 1] are centred by the mean image, which looks at no label, and scaled to unit
    length; a bias feature as large joins them. So no image has a larger gradient than another
    for being darker, and the mean image does not dominate the smoothness of G.

    Args:
        images: Shape (n, channels, height, width), uint8.

    Returns:
        Shape (n, pixels + 1), float64, rows of length 1.
    """
    pixels = torch.from_numpy(images.reshape(len(images), -1) / 255)
    pixels = F.normalize(pixels - pixels.mean(0), dim=1)
    bias = torch.ones(len(pixels), 1, dtype=pixels.dtype)
    return F.normalize(torch.cat([pixels, bias], dim=1), dim=1)
