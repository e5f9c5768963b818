"""Evaluation of trained networks on parts of a data set."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad

from l2rw.core.weights import Parameters
from l2rw.data.splits import Part
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network

CHUNKS = {"cpu": 250, "cuda": 2500}
"""Images per forward pass by device: few enough for a CPU's cache, enough to fill a GPU."""
CLEAN_CHUNK = 100

Predict = Callable[[Tensor], Tensor]
"""Maps images (n, channels, height, width) to logits (n, classes) in evaluation mode."""


@dataclass(frozen=True)
class Evaluation:
    """Loss and predictions of one seed's network on a part."""

    loss: float
    """Mean cross-entropy."""
    confusion: list[list[int]]
    """Images by given label (row) and predicted label (column)."""

    @property
    def error(self) -> float:
        """Share of wrong predictions, in [0, 1]."""
        total = sum(map(sum, self.confusion))
        return 1 - sum(row[i] for i, row in enumerate(self.confusion)) / total


def evaluate(predict: Predict, images: ImageStore, part: Part) -> Evaluation:
    """Evaluate one seed's predictions on all images of a part."""
    logits, labels = _predict(predict, images, part)
    return Evaluation(float(F.cross_entropy(logits, labels)), _confusion(labels, logits).tolist())


def predicted_labels(predict: Predict, images: ImageStore, part: Part) -> NDArray[np.int64]:
    """Return the classes that one seed's network predicts for a part, shape (n,)."""
    logits, _ = _predict(predict, images, part)
    labels: NDArray[np.int64] = logits.argmax(1).cpu().numpy()
    return labels


def probabilities(predict: Predict, images: ImageStore, part: Part) -> NDArray[np.float64]:
    """Return what one seed's network predicts for the images of a part, shape (n, classes)."""
    logits, _ = _predict(predict, images, part)
    predicted: NDArray[np.float64] = logits.double().softmax(1).cpu().numpy()
    return predicted


def estimate_transition(predict: Predict, images: ImageStore, part: Part) -> NDArray[np.float64]:
    """Estimate how labels were corrupted, from a network's predictions for noisy labels.

    The probability of label j for images of class i is the share of label j among the images, each
    weighted by its predicted probability of class i (Goldberger & Ben-Reuven 2017).

    Returns:
        Shape (classes, classes); rows sum to 1.
    """
    logits, labels = _predict(predict, images, part)
    beliefs = logits.double().softmax(1)
    given = F.one_hot(labels, logits.shape[1]).double()
    counts = beliefs.T @ given
    transition: NDArray[np.float64] = (counts / counts.sum(1, keepdim=True)).cpu().numpy()
    return transition


def squared_gradient(
    network: Network, parameters: Parameters, images: ImageStore, part: Part
) -> float:
    """Return ‖∇G‖² for the mean loss G of a part, in training mode but for dropout.

    The part is seen in batches of up to 100, each normalised by its own statistics as in L2RW's
    clean pass: all of a large clean set at once would not fit beside a large network.
    """
    indices, labels = (torch.from_numpy(a).to(images.device) for a in (part.indices, part.labels))
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    with network.without_dropout():
        for chunk in torch.split(torch.arange(len(part), device=images.device), CLEAN_CHUNK):

            def loss(at: Parameters, chunk: Tensor = chunk) -> Tensor:
                return network.losses(at, images[indices[chunk]], labels[chunk])[0].sum()

            for name, part_of_gradient in grad(loss)(parameters).items():
                total[name] += part_of_gradient / len(part)
    return float(sum(g.square().sum() for g in total.values()))


def _predict(predict: Predict, images: ImageStore, part: Part) -> tuple[Tensor, Tensor]:
    """Return logits (n, classes) and given labels (n,)."""
    indices, labels = (torch.from_numpy(a).to(images.device) for a in (part.indices, part.labels))
    chunks = torch.split(indices, CHUNKS[images.device.type])
    return torch.cat([predict(images[chunk]) for chunk in chunks]), labels


def _confusion(labels: Tensor, logits: Tensor) -> Tensor:
    classes = logits.shape[1]
    pairs = labels * classes + logits.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
