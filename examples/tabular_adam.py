"""Wrong labels in tabular data: two tumours in five are called malignant, whatever they are.

An MLP and Adam, plain and with L2RW: python examples/tabular_adam.py
"""

import argparse
import copy

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

from l2rw import Reweighter

CLEAN, TRAIN, BATCH, FLIPPED = 20, 380, 50, 0.4


def compare(seed: int, steps: int) -> list[float]:
    """Return test accuracy of plain training and of L2RW, mean weight of right and wrong labels."""
    torch.manual_seed(seed)
    inputs, labels = (torch.from_numpy(array) for array in load_breast_cancer(return_X_y=True))
    order = torch.randperm(len(labels))
    inputs, truth = inputs[order].float(), labels[order]
    seen, test = slice(CLEAN + TRAIN), slice(CLEAN + TRAIN, None)  # the clean images come first
    inputs = (inputs - inputs[seen].mean(0)) / inputs[seen].std(0)
    flipped = torch.rand(len(truth)) < FLIPPED
    flipped[:CLEAN] = False
    labels = torch.where(flipped, 0, truth)

    plain = nn.Sequential(
        nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )
    ours = copy.deepcopy(plain)
    loss = nn.CrossEntropyLoss(reduction="none")
    reweighter = Reweighter(ours, loss)
    optimizers = [torch.optim.Adam(model.parameters(), lr=1e-3) for model in (plain, ours)]
    weights, times = torch.zeros(CLEAN + TRAIN), torch.zeros(CLEAN + TRAIN)
    for _ in range(steps):
        for optimizer in optimizers:
            optimizer.zero_grad()
        batch = torch.randperm(CLEAN + TRAIN)[:BATCH]  # plain training sees the clean images, too
        loss(plain(inputs[batch]), labels[batch]).mean().backward()
        batch = CLEAN + torch.randperm(TRAIN)[:BATCH]
        weights[batch] += (
            BATCH
            * reweighter.backward(  # in plain training they would be 1
                inputs[batch], labels[batch], inputs[:CLEAN], labels[:CLEAN]
            )
        )
        times[batch] += 1
        for optimizer in optimizers:
            optimizer.step()
    right = [(model(inputs[test]).argmax(1) == truth[test]) for model in (plain, ours)]
    wrong = (labels != truth)[seen]
    means = [(weights[which].sum() / times[which].sum()).item() for which in (~wrong, wrong)]
    return [*(hits.float().mean().item() for hits in right), *means]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("seed   accuracy: plain    L2RW   mean weight: right   wrong")
    for seed in range(options.seeds):
        row = "{:4}   {:15.3f} {:7.3f} {:20.2f} {:7.2f}"
        print(row.format(seed, *compare(seed, options.steps)))
