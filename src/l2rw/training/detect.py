"""The job that compares detectors of wrong labels on hyper-validation sets."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters, reweighted_gradient
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Indices, Part, Split
from l2rw.data.streams import Stream
from l2rw.methods import METHODS
from l2rw.store.checksums import verify, with_checksums
from l2rw.store.errors import UserError
from l2rw.store.files import write_csv, write_json
from l2rw.store.paths import RESULT
from l2rw.store.randomness import generator
from l2rw.training import detectors
from l2rw.training.detectors import Predictions, Scores
from l2rw.training.device import choose_device, set_up_torch
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import Network, build_network
from l2rw.training.evaluation import CHUNKS
from l2rw.training.plan_file import CellEntry, Compute
from l2rw.training.trained import load_trained

PASSES = 10
"""Passes over the examples in random batches, over which their weights by L2RW are means."""
MOST_FOR_CURVATURE = 2000
"""Training examples, at most, over which the Gauss-Newton matrix is a mean."""

Values = tuple[Parameters, Tensors]
Examples = tuple[Tensor, Tensor]
"""Images and labels."""


class Found(NamedTuple):
    """How a detector did for one seed."""

    seed: int
    detector: str
    auc: float
    average_precision: float
    recall: float
    seconds: float
    """That its scores took, beyond the predictions that all share."""
    examples: int
    wrong: int
    """Of the examples."""


def run_detectors(
    cell: CellEntry,
    compute: Compute,
    seeds: range,
    data: Path,
    splits: Sequence[Path],
    network: Path,
    out: Path,
) -> None:
    """Compare detectors on the hyper-validation sets of some seeds; write a line for each.

    Confident learning is among them if cleanlab is installed, the weight by L2RW if the cell's
    method is guided by the clean set.

    Args:
        cell: Whose networks look.
        compute: How to compute.
        seeds: Of the runs.
        data: Data set file.
        splits: Split files of the seeds, in the same order.
        network: Trained networks of the seeds.
        out: File to write; its checksum goes into the ``.json`` file beside it.

    Raises:
        UserError: There is nothing to find: a hyper-validation set is empty, or all of its labels
            are right, or all wrong; or nobody knows which.
    """
    spec = cell.run_spec
    device = choose_device(compute.device)
    set_up_torch(spec.precision, compute.threads, deterministic=compute.deterministic)
    dataset = Dataset.load(data)
    verify(network, network.with_name(RESULT))
    built = build_network(spec, dataset.info.image_shape, cell.corruption.classes)
    images = ImageStore(dataset.train_images, dataset.info.pixel_range, device)
    look = Look(built, images, spec.batch_size, spec.clean_batch_size or 0)
    lines: list[Found] = []
    for seed, path in zip(seeds, splits, strict=True):
        split = Split.load(path)
        if not split.validation.truth_is_known.all():
            raise UserError(
                f"Nobody knows which labels of {cell.dataset} are wrong: no detector can be "
                "judged.",
                "compare them where the truth is known; suspects.csv of every run lists suspects.",
            )
        wrong = ~split.validation.label_is_correct
        if wrong.all() or not wrong.any():
            raise UserError(
                f"The hyper-validation set of seed {seed} has no wrong labels, or no right ones.",
                "compare detectors where labels are noisy, with noisy_labels.validation_size > 0.",
            )
        values = load_trained([network], built, seed)
        guided = METHODS[spec.method].guided_by_clean_set
        compared = detectors.compare(look.detectors(values, split, seed, guided=guided), wrong)
        lines += [
            Found(seed, name, *quality, seconds, len(wrong), int(wrong.sum()))
            for name, (quality, seconds) in compared.items()
        ]
    write_csv(out, Found._fields, lines)
    write_json(out.with_suffix(".json"), with_checksums({"cell": cell.id}, [out]))


class Look:
    """Looks at the images of a data set by trained networks."""

    def __init__(
        self, network: Network, images: ImageStore, batch_size: int, clean_batch_size: int
    ) -> None:
        """Args: batch sizes are those of training, in which L2RW weighs."""
        self._network, self._images = network, images
        self._batch_size, self._clean_batch_size = batch_size, clean_batch_size

    def detectors(
        self, values: Values, split: Split, seed: int, *, guided: bool
    ) -> dict[str, Callable[[], Scores]]:
        """Return what gives the hyper-validation examples of a seed their scores, by name."""
        values = tuple({n: t.to(self._images.device) for n, t in v.items()} for v in values)  # type: ignore[assignment]
        seen = self.predictions(values, split.validation)
        order = generator("probe", seed).permutation(len(split.train))[:MOST_FOR_CURVATURE]
        some = Part(*(array[order] for array in vars(split.train).values()))
        result: dict[str, Callable[[], Scores]] = {
            "loss": partial(detectors.loss, seen),
            "margin": partial(detectors.margin, seen),
            "influence": lambda: detectors.self_influence(seen, self.predictions(values, some)),
        }
        if find_spec("cleanlab"):
            result["confident learning"] = partial(detectors.confident_learning, seen)
        if guided:
            result["weight"] = lambda: -self.mean_weights(values[0], split, seed)
        return result

    def predictions(self, values: Values, part: Part) -> Predictions:
        """Return what a network makes of the images of a part."""
        indices = torch.from_numpy(part.indices).to(self._images.device)
        found = [
            self._network.features(*values, self._images[chunk])
            for chunk in torch.split(indices, CHUNKS[self._images.device.type])
        ]
        logits, features = (torch.cat(list(one)).double() for one in zip(*found, strict=True))
        return Predictions(part.labels, logits.log_softmax(1).cpu().numpy(), features.cpu().numpy())

    def mean_weights(self, parameters: Parameters, split: Split, seed: int) -> Scores:
        """Return hyper-validation examples' mean weights by L2RW in batches with others, (n,)."""
        part, size = split.validation, min(self._batch_size, len(split.validation))
        guides = min(self._clean_batch_size, len(split.clean))
        order = Stream(part.indices, "probe", seed)
        clean = Stream(split.clean.indices, "clean batch", seed)
        total, times = np.zeros(len(part)), np.zeros(len(part))
        for number in range(PASSES * -(-len(part) // size)):
            places = order.take(number * size, size)
            noisy = self._examples(part, places)
            guiding = self._examples(split.clean, clean.take(number * guides, guides))
            self._network.seed_masks(seed, number)
            weights = self._weights(parameters, noisy, guiding)
            total[places] += weights.double().cpu().numpy() * size
            times[places] += 1
        return total / times

    def _weights(self, parameters: Parameters, noisy: Examples, guiding: Examples) -> Tensor:
        return reweighted_gradient(
            lambda at: self._network.losses(at, *noisy),
            lambda at: self._network.losses(at, *guiding)[0].mean(),
            parameters,
        ).weights

    def _examples(self, part: Part, places: Indices) -> Examples:
        indices, labels = (torch.from_numpy(a[places]) for a in (part.indices, part.labels))
        return self._images[indices.to(self._images.device)], labels.to(self._images.device)
