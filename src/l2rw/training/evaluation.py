"""Accuracy on a part of the data set."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from l2rw.data.splits import Part
from l2rw.methods.contract import Losses
from l2rw.training.examples import ImageStore
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


@torch.no_grad()
def evaluate(losses: Losses, parameters: Parameters, images: ImageStore, part: Part) -> Evaluation:
    """Evaluate one seed's parameters on all images of a part."""
    device = next(iter(parameters.values())).device
    indices = torch.from_numpy(part.indices).to(device)
    labels = torch.from_numpy(part.labels).to(device)
    total = torch.zeros((), device=device)
    predictions = []
    classes = 0
    for chunk, given in zip(indices.split(CHUNK), labels.split(CHUNK), strict=True):  # type: ignore[no-untyped-call]
        values, logits = losses(parameters, images[chunk], given)
        total += values.sum()
        predictions.append(logits.argmax(1))
        classes = logits.shape[1]
    confusion = _count(labels * classes + torch.cat(predictions), classes)
    return Evaluation(float(total) / len(part), confusion.tolist())


def _count(pairs: Tensor, classes: int) -> Tensor:
    return F.one_hot(pairs, classes * classes).sum(0).reshape(classes, classes)
