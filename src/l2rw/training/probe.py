"""Weights by L2RW of noisy images that it was not trained on (Figure 3)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Indices, Part, Split
from l2rw.data.streams import Stream
from l2rw.store.errors import UserError
from l2rw.store.randomness import generator
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network
from l2rw.training.looks import LookJob, Values, Weigher

MIXED, SINGLE_CLASS = "mixed", "single class"


class Weighed(NamedTuple):
    """An image of the hyper-validation set and its weight in a batch."""

    seed: int
    panel: str
    """``mixed`` for a batch of all classes, ``single class`` for one of a class that is not the
    background, with its flipped images."""
    batch: int
    image: int
    """Position in the training half."""
    clean: bool
    """Whether its label is right."""
    weight: float
    """In units of plain averaging's, 1 / batch size."""


def run_probe(job: LookJob) -> None:
    """Weigh the hyper-validation sets of some seeds and write a line for every image.

    Args:
        job: Labels of its cell flip to a background class.

    Raises:
        UserError: They do not.
    """
    spec, corruption = job.cell.run_spec, job.cell.corruption
    if not isinstance(corruption, BackgroundFlip):
        raise UserError(
            f"Labels of the cell {job.cell.id} do not flip to a background class, at whose images "
            "a probe looks.",
            "name a cell of an experiment of the kind weights.",
        )
    dataset, network, device = job.open()
    probe = Probe(network, dataset, spec.batch_size, spec.clean_batch_size or 1, device)
    weighed = (
        line
        for seed, split, values in job.each(network)
        for line in probe.weigh(values, split, seed, corruption.background_class(seed))
    )
    job.write(Weighed._fields, weighed)


class Probe(Weigher):
    """Weighs batches of hyper-validation images by a network, as a training step would."""

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        batch_size: int,
        clean_batch_size: int,
        device: torch.device,
    ) -> None:
        """Args: batch sizes are those of training; smaller where a set has fewer images."""
        images = ImageStore(dataset.train_images, dataset.info.pixel_range, device)
        super().__init__(network, images, batch_size, clean_batch_size)
        self._true_labels = dataset.train_labels

    def weigh(self, values: Values, split: Split, seed: int, background: int) -> Iterator[Weighed]:
        """Yield every image of every whole batch of one seed, panel by panel."""
        parameters = {n: p.to(self.images.device) for n, p in values[0].items()}
        part = split.validation
        clean = Stream(split.clean.indices, "clean batch", seed)
        size = min(self.clean_batch_size, len(split.clean))
        for number, (panel, places) in enumerate(self._batches(part, seed, background)):
            guides = clean.take(number * size, size)
            noisy, guiding = self.examples(part, places), self.examples(split.clean, guides)
            self.network.seed_masks(seed, number)
            weights = self.weights(parameters, noisy, guiding)
            for place, weight in zip(places, (weights * len(places)).tolist(), strict=True):
                image, right = int(part.indices[place]), bool(part.label_is_correct[place])
                yield Weighed(seed, panel, number, image, right, weight)

    def _batches(self, part: Part, seed: int, background: int) -> Iterator[tuple[str, Indices]]:
        """Yield (panel, positions in the part): whole batches, in random order."""
        order = generator("probe", seed).permutation(len(part))
        true_labels = self._true_labels[part.indices[order]]
        groups = [(MIXED, order)]
        groups += [
            (SINGLE_CLASS, order[true_labels == label])
            for label in np.unique(true_labels)
            if label != background
        ]
        for panel, places in groups:
            size = min(self.batch_size, len(places))
            for first in range(0, len(places) - size + 1, size):
                yield panel, places[first : first + size]
