"""Wrong labels in segmentation: half of the pictures label every drawn pixel as part of a three.

A picture contains two handwritten digits, threes or eights; a pixel is background, three or eight.
A convolutional network is trained plainly and with L2RW, guided by 20 pictures with right labels.
"""

import copy

import torch
from common import report
from sklearn.datasets import load_digits
from torch import Tensor, nn

from l2rw import Reweighter

CLEAN, TRAIN, TEST, BATCH = 20, 400, 200, 32


def pictures(images: Tensor, digits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Draw pictures (n, 1, 8, 16) of two digits, and their classes (n, 8, 16)."""
    which = torch.randint(len(digits), (2, count))
    marked = (1 + (digits[which] == 8).long())[:, :, None, None] * (images[which] > 0.4)
    return torch.cat([*images[which]], dim=2)[:, None], torch.cat([*marked], dim=2)


def compare(seed: int, steps: int) -> list[float]:
    """Return the share of drawn pixels of test pictures that are classified right."""
    torch.manual_seed(seed)
    digits = load_digits()
    wanted = (digits.target == 3) | (digits.target == 8)
    images = torch.from_numpy(digits.images[wanted]).float() / 16
    labels = torch.from_numpy(digits.target[wanted])
    seen, unseen = (images[:240], labels[:240]), (images[240:], labels[240:])
    sizes = ((seen, TRAIN), (seen, CLEAN), (unseen, TEST))
    (inputs, truth), clean, test = (pictures(*part, n) for part, n in sizes)
    targets = torch.where((torch.rand(TRAIN) < 0.5)[:, None, None], truth.clamp(max=1), truth)
    layers = [nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU()]
    layers += [nn.Conv2d(16, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 3, 1)]
    models = plain, ours = nn.Sequential(*layers), nn.Sequential(*copy.deepcopy(layers))
    optimizers = [torch.optim.Adam(model.parameters(), lr=3e-3) for model in models]
    reweighter = Reweighter(ours, nn.CrossEntropyLoss(reduction="none"))  # mean over pixels
    for _ in range(steps):
        batch = torch.randperm(TRAIN)[:BATCH]
        for optimizer in optimizers:
            optimizer.zero_grad()
        nn.functional.cross_entropy(plain(inputs[batch]), targets[batch]).backward()
        reweighter.backward(inputs[batch], targets[batch], *clean)
        for optimizer in optimizers:
            optimizer.step()
    drawn = test[1] > 0
    found = [model.eval()(test[0]).argmax(1) == test[1] for model in models]
    return [right[drawn].float().mean().item() for right in found]


if __name__ == "__main__":
    report(__doc__, compare, steps=150, seeds=5)
