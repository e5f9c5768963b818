"""Digits with wrong labels in the Trainer of Hugging Face; needs transformers and accelerate."""

import copy
import tempfile

import torch.nn.functional as F
from common import digits_called_zero, report
from torch import nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from l2rw import Reweighter, forever


def example_losses(outputs, labels):
    """Return one loss for each example."""
    return F.cross_entropy(outputs["logits"], labels, reduction="none")


class ReweightingTrainer(Trainer):
    """A Trainer whose steps are guided by a clean set; for any model whose outputs have logits."""

    def __init__(self, clean_dataset, **options):
        super().__init__(**options)
        clean = DataLoader(clean_dataset, 50, shuffle=True, collate_fn=self.data_collator)
        self.clean_batches, self.reweighter = forever(clean), None

    def training_step(self, model, inputs, num_items_in_batch=None):
        model.train()
        if self.reweighter is None:  # the model comes wrapped, if it is
            self.reweighter = Reweighter(model, example_losses)
        inputs, clean = map(self._prepare_inputs, (inputs, next(self.clean_batches)))
        targets, clean_targets = inputs.pop("labels"), clean.pop("labels")
        self.reweighter.backward(inputs, targets, clean, clean_targets)
        return self.reweighter.loss_value


class Classifier(nn.Sequential):
    """Returns logits (n, 10), and the loss if there are labels."""

    def forward(self, pixel_values, labels=None):  # as its models do
        logits = super().forward(pixel_values)
        return {"loss": labels is not None and F.cross_entropy(logits, labels), "logits": logits}


def compare(seed: int, steps: int) -> list[float]:
    """Return test accuracy of plain training, which sees the clean digits, too, and of L2RW."""
    *parts, (images, labels) = digits_called_zero(seed)
    clean, train = ([{"pixel_values": x, "labels": y} for x, y in zip(*p)] for p in parts)  # noqa: B905
    options = {"max_steps": steps, "per_device_train_batch_size": 50, "learning_rate": 3e-3}
    options |= {"use_cpu": True, "report_to": [], "save_strategy": "no", "disable_tqdm": True}
    layers = nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    models = [Classifier(*copy.deepcopy(layers)) for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(folder, **options)
        for trainer in (
            Trainer(models[0], args, train_dataset=train + clean),
            ReweightingTrainer(clean, model=models[1], args=args, train_dataset=train),
        ):
            trainer.remove_callback(PrinterCallback)
            trainer.train()
    return [(m(images)["logits"].argmax(1) == labels).float().mean().item() for m in models]


if __name__ == "__main__":
    report(__doc__, compare, steps=300, seeds=5)
