"""A rare class of text: which 40 characters are prose, when nearly all examples are program code?

An LSTM is trained with Adam, plainly and with L2RW, guided by 20 examples of each class.
"""

import argparse
import copy
import inspect

import torch
from common import report
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from torch import Tensor, nn

from l2rw import Reweighter

LENGTH, CODE, PROSE, CLEAN, TEST, BATCH = 40, 1900, 100, 20, 500, 50
TEXTS = [
    inspect.getsource(argparse),
    "".join(load().DESCR for load in (load_wine, load_breast_cancer, load_iris, load_diabetes)),
]


class Reader(nn.Module):
    """Maps (n, length) characters to (n, 2) logits."""

    def __init__(self) -> None:
        """Draw the initial values."""
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(128, 16), nn.LSTM(16, 32, batch_first=True)
        self.output = nn.Linear(32, 2)

    def forward(self, characters: Tensor) -> Tensor:
        """Decide by the mean state."""
        return self.output(self.lstm(self.embedding(characters))[0].mean(1))


def windows(start: float, end: float, *sizes: int) -> tuple[Tensor, Tensor]:
    """Draw as many windows of each text as asked for, between two points of it."""
    drawn = []
    for text, size in zip(TEXTS, sizes, strict=True):
        characters = torch.tensor(list(text.encode("ascii", "replace")))
        part = characters[int(start * len(text)) : int(end * len(text))].unfold(0, LENGTH, 1)
        drawn.append(part[torch.randperm(len(part))[:size]])
    return torch.cat(drawn), torch.arange(2).repeat_interleave(torch.tensor(sizes))


def compare(seed: int, steps: int) -> list[float]:
    """Return test accuracy of plain training, which sees the clean ones, too, and of L2RW."""
    torch.manual_seed(seed)
    clean, train = windows(0, 2 / 3, CLEAN, CLEAN), windows(0, 2 / 3, CODE, PROSE)
    test = windows(2 / 3, 1, TEST, TEST)
    everything = [torch.cat(pair) for pair in zip(clean, train, strict=True)]
    plain = Reader()
    ours = copy.deepcopy(plain)
    loss = nn.CrossEntropyLoss(reduction="none")
    reweighter = Reweighter(ours, loss)
    optimizers = [torch.optim.Adam(model.parameters(), lr=1e-2) for model in (plain, ours)]
    for _ in range(steps):
        for optimizer in optimizers:
            optimizer.zero_grad()
        batch = torch.randint(len(everything[1]), (BATCH,))
        loss(plain(everything[0][batch]), everything[1][batch]).mean().backward()
        batch = torch.randint(len(train[1]), (BATCH,))
        reweighter.backward(train[0][batch], train[1][batch], *clean)
        for optimizer in optimizers:
            optimizer.step()
    return [(m(test[0]).argmax(1) == test[1]).float().mean().item() for m in (plain, ours)]


if __name__ == "__main__":
    report(__doc__, compare, steps=200, seeds=3)
