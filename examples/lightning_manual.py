"""Digits with wrong labels in Lightning, with manual optimisation; needs lightning."""

import logging
import warnings

import lightning
import torch
from common import digits_called_zero, report
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from l2rw import Reweighter

LOSS = nn.CrossEntropyLoss(reduction="none")


class Classifier(lightning.LightningModule):
    """A classifier that trains on two loaders, with L2RW or plainly."""

    def __init__(self, reweighted: bool) -> None:
        super().__init__()
        self.automatic_optimization = False
        layers = nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
        self.network, self.reweighted = nn.Sequential(*layers), reweighted
        self.reweighter = Reweighter(self.network, LOSS)

    def training_step(self, batch, _):
        """Train, by manual optimisation."""
        optimizer = self.optimizers()
        optimizer.zero_grad()
        inputs, labels = batch["train"]
        if self.reweighted:
            self.reweighter.backward(inputs, labels, *batch["clean"])
        else:
            self.manual_backward(LOSS(self.network(inputs), labels).mean())
        optimizer.step()

    def configure_optimizers(self):
        """Return what moves the parameters."""
        return torch.optim.Adam(self.parameters(), lr=3e-3)


def compare(seed: int, steps: int) -> list[float]:
    """Return test accuracy of plain training and of L2RW."""
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    clean, train, (images, labels) = digits_called_zero(seed)
    data = {"train": (train, True), "clean": (clean, False)}  # the shorter one begins again
    loaders = {k: DataLoader(TensorDataset(*d), 50, shuffle=s) for k, (d, s) in data.items()}
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    models = [Classifier(reweighted) for reweighted in (False, True)]
    for model in models:
        options = {"accelerator": "cpu", **dict.fromkeys(quiet, False)}
        lightning.Trainer(max_steps=steps, **options).fit(model, loaders)
    return [(m.network(images).argmax(1) == labels).float().mean().item() for m in models]


if __name__ == "__main__":
    report(__doc__, compare, steps=300, seeds=5)
