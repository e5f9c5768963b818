"""Wrong labels in tabular data: two tumours in five are called malignant, whatever they are.

A multi-layer perceptron is trained with Adam, plainly and with L2RW, which also suspects labels.
"""

import copy

import torch
from common import report
from sklearn.datasets import load_breast_cancer
from torch import nn

from l2rw import Reweighter, WeightTracker

CLEAN, TRAIN, BATCH, FLIPPED = 20, 380, 50, 0.4


def compare(seed: int, steps: int) -> list[float]:
    """Return test accuracy of plain training and of L2RW."""
    torch.manual_seed(seed)
    inputs, labels = (torch.from_numpy(array) for array in load_breast_cancer(return_X_y=True))
    order = torch.randperm(len(labels))
    inputs, truth = inputs[order].float(), labels[order]
    seen, test = slice(CLEAN + TRAIN), slice(CLEAN + TRAIN, None)  # the clean ones come first
    inputs = (inputs - inputs[seen].mean(0)) / inputs[seen].std(0)
    flipped = torch.rand(len(truth)) < FLIPPED
    flipped[:CLEAN] = False
    labels = torch.where(flipped, 0, truth)

    layers = [nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)]
    models = plain, ours = nn.Sequential(*layers), nn.Sequential(*copy.deepcopy(layers))
    loss = nn.CrossEntropyLoss(reduction="none")
    reweighter, tracker = Reweighter(ours, loss), WeightTracker.of(CLEAN + TRAIN)
    optimizers = [torch.optim.Adam(model.parameters(), lr=1e-3) for model in models]
    for _ in range(steps):
        for optimizer in optimizers:
            optimizer.zero_grad()
        batch = torch.randperm(CLEAN + TRAIN)[:BATCH]  # plain training sees the clean ones, too
        loss(plain(inputs[batch]), labels[batch]).mean().backward()
        batch = CLEAN + torch.randperm(TRAIN)[:BATCH]
        clean = inputs[:CLEAN], labels[:CLEAN]
        tracker.add(batch, reweighter.backward(inputs[batch], labels[batch], *clean))
        for optimizer in optimizers:
            optimizer.step()
    wrong = [(labels != truth)[row].item() for row, _ in tracker.suspects(BATCH, 50)]
    print(
        f"       of 50 suspects {sum(wrong)} are wrong, of {TRAIN} {int((labels != truth).sum())}"
    )
    return [(m(inputs[test]).argmax(1) == truth[test]).float().mean().item() for m in models]


if __name__ == "__main__":
    report(__doc__, compare, steps=600, seeds=5)
