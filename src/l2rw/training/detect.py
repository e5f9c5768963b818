"""The job that scores examples by all detectors of wrong labels."""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.func import grad

from l2rw.core.weights import Parameters
from l2rw.data.splits import Part, Split
from l2rw.data.streams import Stream
from l2rw.methods import METHODS
from l2rw.store.checksums import verified
from l2rw.store.paths import DETECTOR_COLUMNS, SUSPECTS, TRAINED_ON, UNSEEN
from l2rw.store.randomness import generator
from l2rw.training import detectors
from l2rw.training.detectors import Predictions, Scores
from l2rw.training.engine.batches import ImageStore, training_part
from l2rw.training.engine.network import moved
from l2rw.training.evaluation import CHUNKS
from l2rw.training.looks import LookJob, Values, Weigher

PASSES = 10
"""Passes over the examples in random batches; the weight by L2RW is a mean over them."""
MOST_FOR_CURVATURE = 2000
"""Training examples, at most, of which the Gauss-Newton matrix is a mean."""
TIMED_STEPS = 5

Detectors = dict[str, Callable[[], Scores]]
"""By detector, a function that returns the scores of a part's examples, (n,)."""


class Scored(NamedTuple):
    """The scores by all detectors of a part of a seed's examples."""

    seed: int
    name: str
    """Of the part, see :mod:`l2rw.store.paths`."""
    part: Part
    scores: dict[str, Scores]
    """By detector, (n,)."""
    seconds: dict[str, float]
    """By detector, the time that its scores took."""


def run_detectors(job: LookJob) -> None:
    """Score hyper-validation and training examples of some seeds; write a line for each.

    Confident learning is among the detectors if cleanlab is installed. The weight of a
    hyper-validation example is that by L2RW, if the cell's method is guided by the clean set; that
    of a training example is its mean weight in training, if weights differ. The
    record holds the seconds that each detector took, its predictions included, and those that SGD
    would take for as many steps as the cell's.
    """
    spec = job.cell.run_spec
    dataset, network, device = job.open()
    images = ImageStore(dataset.train_images, dataset.info.pixel_range, device)
    look = Look(network, images, spec.batch_size, spec.clean_batch_size or 0)
    suspects = job.network.with_name(SUSPECTS)
    verified(suspects)
    scored: list[Scored] = []
    for seed, split, values in job.each(network):
        parameters, buffers = (moved(one, device) for one in values)
        train = training_part(spec, split)
        by_part: dict[str, tuple[Part, Detectors]] = {}
        if len(split.validation) and "validation" not in spec.trains_on:
            by = look.detectors((parameters, buffers), split.validation, train, seed)
            if METHODS[spec.method].guided_by_clean_set:
                by["weight"] = partial(look.weight_scores, parameters, split, seed)
            by_part[UNSEEN] = split.validation, by
        by = look.detectors((parameters, buffers), train, train, seed)
        weights = weights_in_training(suspects, seed, train)
        if len(np.unique(weights[np.isfinite(weights)])) > 1:
            by["weight"] = partial(np.negative, weights)
        by_part[TRAINED_ON] = train, by
        for name, (part, of_part) in by_part.items():
            scored.append(Scored(seed, name, part, *_timed(of_part)))
    known = [name for name in detectors.NAMES if any(name in one.scores for one in scored)]
    ids = dataset.train_ids
    job.write(
        [*DETECTOR_COLUMNS, *known, *([] if ids is None else ["id"])],
        (line for one in scored for line in _lines(one, known, ids)),
        seconds=[
            {"seed": one.seed, "part": one.name, "detector": detector, "seconds": seconds}
            for one in scored
            for detector, seconds in one.seconds.items()
        ],
        sgd_run_seconds=spec.steps * look.sgd_step_seconds(parameters, train),
    )


def weights_in_training(suspects: Path, seed: int, train: Part) -> Scores:
    """Return the mean weights of a seed's training examples, (n,); NaN for those never seen."""
    weights = dict.fromkeys(map(int, train.indices), float("nan"))
    with suspects.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if int(line["seed"]) == seed and line["mean_weight"]:
                weights[int(line["image"])] = float(line["mean_weight"])
    return np.array([weights[int(image)] for image in train.indices])


def _timed(by: Detectors) -> tuple[dict[str, Scores], dict[str, float]]:
    """Return each detector's scores, and the seconds that they took."""
    scores, seconds = {}, {}
    for name, scores_of in by.items():
        started = time.perf_counter()
        scores[name] = scores_of()
        seconds[name] = time.perf_counter() - started
    return scores, seconds


def _lines(
    one: Scored, known: Sequence[str], ids: NDArray[np.str_] | None
) -> Iterator[tuple[Any, ...]]:
    """Yield a line for every example; unknown values are empty."""
    none = np.full(len(one.part), np.nan)
    scores = [one.scores.get(name, none) for name in known]
    for place, image in enumerate(one.part.indices):
        truth = one.part.truth_is_known[place]
        yield (
            one.seed,
            one.name,
            image,
            one.part.labels[place],
            int(one.part.label_is_correct[place]) if truth else "",
            *(f"{s[place]:.8g}" if np.isfinite(s[place]) else "" for s in scores),
            *([] if ids is None else [ids[image]]),
        )


class Look(Weigher):
    """Applies detectors to the images of a data set, with trained networks."""

    def detectors(self, values: Values, part: Part, train: Part, seed: int) -> Detectors:
        """Return the detectors that need a network's predictions; each computes them itself.

        Args:
            values: Parameters and buffers of the network, on the device of the images.
            part: Examples to score.
            train: Examples that the network was trained on.
            seed: Of the run.
        """
        order = generator("probe", seed).permutation(len(train))[:MOST_FOR_CURVATURE]
        some = Part(*(array[order] for array in vars(train).values()))

        def of(detector: Callable[..., Scores], *others: Part) -> Callable[[], Scores]:
            return lambda: detector(*(self.predictions(values, p) for p in (part, *others)))

        result = {
            "loss": of(detectors.loss),
            "margin": of(detectors.margin),
            "influence": of(detectors.self_influence, some),
        }
        if find_spec("cleanlab"):
            import cleanlab.filter  # noqa: F401 - no detector's time includes it

            result["confident_learning"] = of(detectors.confident_learning)
        return result

    def predictions(self, values: Values, part: Part) -> Predictions:
        """Return a network's predictions for the images of a part."""
        indices = torch.from_numpy(part.indices).to(self.images.device)
        found = [
            self.network.features(*values, self.images[chunk])
            for chunk in torch.split(indices, CHUNKS[self.images.device.type])
        ]
        logits, features = (torch.cat(list(one)).double() for one in zip(*found, strict=True))
        return Predictions(part.labels, logits.log_softmax(1).cpu().numpy(), features.cpu().numpy())

    def weight_scores(self, parameters: Parameters, split: Split, seed: int) -> Scores:
        """Return minus the mean weights of hyper-validation examples by L2RW, (n,)."""
        return -self.mean_weights(parameters, split, seed)

    def mean_weights(self, parameters: Parameters, split: Split, seed: int) -> Scores:
        """Return hyper-validation examples' mean weights by L2RW in batches with others, (n,)."""
        part, size = split.validation, min(self.batch_size, len(split.validation))
        guides = min(self.clean_batch_size, len(split.clean))
        order = Stream(part.indices, "probe", seed)
        clean = Stream(split.clean.indices, "clean batch", seed)
        total, times = np.zeros(len(part)), np.zeros(len(part))
        for number in range(PASSES * -(-len(part) // size)):
            places = order.take(number * size, size)
            noisy = self.examples(part, places)
            guiding = self.examples(split.clean, clean.take(number * guides, guides))
            self.network.seed_masks(seed, number)
            weights = self.weights(parameters, noisy, guiding)
            total[places] += weights.double().cpu().numpy() * size
            times[places] += 1
        return total / times

    def sgd_step_seconds(self, parameters: Parameters, train: Part) -> float:
        """Return what a gradient of plain training takes here, the median of a few."""
        batch = self.examples(train, np.arange(min(self.batch_size, len(train))))
        gradient = grad(lambda at: self.network.losses(at, *batch)[0].mean())
        took = []
        for _ in range(1 + TIMED_STEPS):  # the first one warms up
            started = time.perf_counter()
            for slope in gradient(parameters).values():
                slope.flatten()[0].item()  # waits for a GPU
            took.append(time.perf_counter() - started)
        return float(np.median(took[1:]))
