"""What the examples share: digits with wrong labels, and a report of gains with intervals."""

import argparse
from collections.abc import Callable

import torch
from sklearn.datasets import load_digits
from torch import Tensor

CLEAN, TRAIN = 50, 1000
STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""97.5 % quantiles of Student's t by number of seeds."""


def digits_called_zero(seed: int) -> list[tuple[Tensor, Tensor]]:
    """Return clean, training and test digits: images (n, 1, 8, 8) and labels (n,).

    Four in ten training images have the label zero, whatever they show.
    """
    torch.manual_seed(seed)
    images, labels = (torch.from_numpy(array) for array in load_digits(return_X_y=True))
    order = torch.randperm(len(labels))
    images, labels = images[order].view(-1, 1, 8, 8).float() / 16, labels[order]
    wrong = torch.rand(len(labels)) < 0.4
    wrong[:CLEAN] = wrong[CLEAN + TRAIN :] = False
    sizes = [CLEAN, TRAIN, len(labels) - CLEAN - TRAIN]
    given = torch.where(wrong, 0, labels)
    return list(zip(images.split(sizes), given.split(sizes), strict=True))


def report(about: str, compare: Callable[[int, int], list[float]], steps: int, seeds: int) -> None:
    """Run ``compare(seed, steps)``, which returns accuracies of plain training and of L2RW."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--seeds", type=int, default=seeds, choices=STUDENT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("seed   accuracy: plain    L2RW")
    rows = []
    for seed in range(options.seeds):
        rows.append(compare(seed, options.steps))
        print("{:4}   {:15.3f} {:7.3f}".format(seed, *rows[-1]), flush=True)
    gains = torch.tensor([ours - plain for plain, ours in rows])
    half = STUDENT[len(rows)] * gains.std() / len(rows) ** 0.5
    print(f"gain: {gains.mean():+.3f} ± {half:.3f} (mean and 95 % interval of {len(rows)} seeds)")
