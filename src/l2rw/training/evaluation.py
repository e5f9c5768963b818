"""Accuracy on a part of the data set."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.batchnorm import Tensors
from l2rw.data.splits import Part
from l2rw.training.examples import ImageStore
from l2rw.training.network import Network
from l2rw.weights import Parameters

CHUNK = 250  # images per forward pass: small enough for a CPU's cache


@dataclass(frozen=True)
class Evaluation:
    """How one seed's network does on a part."""

    loss: float
    """Mean cross-entropy."""
    confusion: list[list[int]]
    """Images by given label (row) and predicted label (column)."""

    @property
    def error(self) -> float:
        """Share of wrong predictions, in [0, 1]."""
        total = sum(map(sum, self.confusion))
        return 1 - sum(row[i] for i, row in enumerate(self.confusion)) / total


def evaluate(
    network: Network, values: tuple[Parameters, Tensors], images: ImageStore, part: Part
) -> Evaluation:
    """Evaluate one seed's parameters and buffers on all images of a part."""
    indices, labels = (torch.from_numpy(a).to(images.device) for a in (part.indices, part.labels))
    chunks = torch.split(indices, CHUNK)
    logits = torch.cat([network.predict(*values, images[chunk]) for chunk in chunks])
    return Evaluation(float(F.cross_entropy(logits, labels)), _confusion(labels, logits).tolist())


def _confusion(labels: Tensor, logits: Tensor) -> Tensor:
    classes = logits.shape[1]
    pairs = labels * classes + logits.argmax(1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
