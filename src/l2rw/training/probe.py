"""What L2RW makes of noisy images that it was not trained on (Figure 3)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters, reweighted_gradient
from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Indices, Part, Split
from l2rw.data.streams import Stream
from l2rw.store.checksums import verify, with_checksums
from l2rw.store.files import write_csv, write_json
from l2rw.store.paths import RESULT
from l2rw.store.randomness import generator
from l2rw.training.device import choose_device, set_up_torch
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network, build_network
from l2rw.training.plan_file import CellEntry, Compute
from l2rw.training.trained import load_trained

MIXED, SINGLE_CLASS = "mixed", "single class"

Examples = tuple[Tensor, Tensor]
"""Images and labels."""


class Weighed(NamedTuple):
    """An image of the hyper-validation set and what it weighed in a batch."""

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


def run_probe(
    cell: CellEntry,
    compute: Compute,
    seeds: range,
    data: Path,
    splits: Sequence[Path],
    network: Path,
    out: Path,
) -> None:
    """Weigh the hyper-validation sets of some seeds and write a line for every image.

    Args:
        cell: Whose networks weigh; its labels flip to a background class.
        compute: How to compute.
        seeds: Of the runs.
        data: Data set file.
        splits: Split files of the seeds, in the same order.
        network: Trained networks of the seeds.
        out: File to write; its checksum goes into the ``.json`` file beside it.
    """
    spec, corruption = cell.run_spec, cell.corruption
    if not isinstance(corruption, BackgroundFlip):
        raise TypeError(f"a probe looks at a background class; {corruption.name} has none")
    device = choose_device(compute.device)
    set_up_torch(spec.precision, compute.threads, deterministic=compute.deterministic)
    dataset = Dataset.load(data)
    verify(network, network.with_name(RESULT))
    built = build_network(spec, dataset.info.image_shape, corruption.classes)
    probe = Probe(built, dataset, spec.batch_size, spec.clean_batch_size or 1, device)
    weighed = (
        line
        for seed, path in zip(seeds, splits, strict=True)
        for line in probe.weigh(
            load_trained([network], built, seed),
            Split.load(path),
            seed,
            corruption.background_class(seed),
        )
    )
    write_csv(out, Weighed._fields, weighed)
    write_json(out.with_suffix(".json"), with_checksums({"cell": cell.id}, [out]))


class Probe:
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
        self._network, self._true_labels = network, dataset.train_labels
        self._images = ImageStore(dataset.train_images, dataset.info.pixel_range, device)
        self._batch_size, self._clean_batch_size = batch_size, clean_batch_size

    def weigh(
        self, values: tuple[Parameters, Tensors], split: Split, seed: int, background: int
    ) -> Iterator[Weighed]:
        """Yield every image of every whole batch of one seed, panel by panel."""
        parameters = {n: p.to(self._images.device) for n, p in values[0].items()}
        part = split.validation
        clean = Stream(split.clean.indices, "clean batch", seed)
        size = min(self._clean_batch_size, len(split.clean))
        for number, (panel, places) in enumerate(self._batches(part, seed, background)):
            guides = clean.take(number * size, size)
            noisy, guiding = self._examples(part, places), self._examples(split.clean, guides)
            self._network.seed_masks(seed, number)
            weights = self._weights(parameters, noisy, guiding)
            for place, weight in zip(places, (weights * len(places)).tolist(), strict=True):
                image, right = int(part.indices[place]), bool(part.label_is_correct[place])
                yield Weighed(seed, panel, number, image, right, weight)

    def _weights(self, parameters: Parameters, noisy: Examples, guiding: Examples) -> Tensor:
        return reweighted_gradient(
            lambda at: self._network.losses(at, *noisy),
            lambda at: self._network.losses(at, *guiding)[0].mean(),
            parameters,
        ).weights

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
            size = min(self._batch_size, len(places))
            for first in range(0, len(places) - size + 1, size):
                yield panel, places[first : first + size]

    def _examples(self, part: Part, places: Indices) -> Examples:
        indices, labels = (torch.from_numpy(a[places]) for a in (part.indices, part.labels))
        device = self._images.device
        return self._images[indices.to(device)], labels.to(device)
