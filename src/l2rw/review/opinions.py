"""What the runs of L2RW say of the training examples, as means over their seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import make_part
from l2rw.store.checksums import verified_of_run
from l2rw.store.paths import NETWORK, SUSPECTS, run_folder
from l2rw.store.seeds import format_seeds
from l2rw.training.cell_entry import CellEntry
from l2rw.training.detectors import Predictions, confident_learning
from l2rw.training.device import choose_device, set_up_torch
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import build_network, moved
from l2rw.training.evaluation import probabilities
from l2rw.training.plan_file import Compute
from l2rw.training.trained import load_trained

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Opinions:
    """Of the n examples of the training half."""

    labels: NDArray[np.int64]
    """Those that networks were trained on, shape (n,)."""
    probabilities: Numbers
    """By the networks' predictions, each seed's softmax, averaged over seeds; (n, classes)."""
    weights: Numbers
    """Mean weights in training, 1 being plain averaging's, averaged over the seeds in which the
    example was trained on; NaN if there was none; shape (n,)."""

    @cached_property
    def of_label(self) -> Numbers:
        """Probability of the label, shape (n,)."""
        found: Numbers = self.probabilities[np.arange(len(self.labels)), self.labels]
        return found

    @cached_property
    def network(self) -> NDArray[np.int64]:
        """The most probable class, shape (n,)."""
        found: NDArray[np.int64] = self.probabilities.argmax(1)
        return found

    @cached_property
    def suspicion(self) -> Numbers:
        """By how much another class is more probable than the label, in [-1, 1], shape (n,)."""
        others = self.probabilities.copy()
        others[np.arange(len(self.labels)), self.labels] = -1
        found: Numbers = others.max(1) - self.of_label
        return found

    @cached_property
    def suspected_by(self) -> dict[str, NDArray[np.bool_]]:
        """Which labels each detector takes for wrong, shape (n,).

        The network: those for which another class is more probable. The weight: as many as these,
        of least weight. Confident learning (if cleanlab is installed): those that it finds.
        """
        by_network = self.suspicion > 0
        weights = np.where(np.isnan(self.weights), np.inf, self.weights)
        least = np.zeros(len(weights), dtype=bool)
        least[np.argsort(weights, kind="stable")[: int(by_network.sum())]] = True
        found = {"network": by_network, "weight": least & np.isfinite(weights)}
        if find_spec("cleanlab"):
            log_p = np.log(np.maximum(self.probabilities, 1e-300))
            seen = Predictions(self.labels, log_p, np.empty((len(log_p), 0)))
            found["confident learning"] = confident_learning(seen) >= 1
        return found


def opinions_of(
    cell: CellEntry, compute: Compute, seeds: Sequence[int], dataset: Dataset, runs: Path
) -> Opinions:
    """Ask the trained networks of a cell, and read the weights that its runs gave.

    Args:
        cell: Of L2RW, on a data set of the user's own under given labels.
        compute: How to compute.
        seeds: Of the runs.
        dataset: The data set.
        runs: Folder of all runs.

    Raises:
        UserError: A file of a run is missing or damaged.
    """
    spec, given = cell.run_spec, dataset.labels.given
    device = choose_device(compute.device)
    set_up_torch(spec.precision, compute.threads, deterministic=compute.deterministic)
    network = build_network(spec, dataset.info.image_shape, cell.corruption.classes)
    images = ImageStore(dataset.train_images, dataset.info.pixel_range, device)
    everything = make_part(np.arange(len(given)), given)
    predicted = np.zeros((len(given), cell.corruption.classes))
    weights = np.full((len(seeds), len(given)), np.nan)
    for job in cell.jobs:
        folder = run_folder(runs, cell.id, format_seeds(job))
        for name in (NETWORK, SUSPECTS):
            verified_of_run(folder / name, cell.id, job)
        suspects = pd.read_csv(folder / SUSPECTS, usecols=["seed", "image", "mean_weight"])
        for seed in set(job) & set(seeds):
            parameters, buffers = (
                moved(tensors, device)
                for tensors in load_trained([folder / NETWORK], network, seed)
            )
            predict = partial(network.predict, parameters, buffers)
            predicted += probabilities(predict, images, everything)
            mine = suspects[suspects["seed"] == seed]
            weights[seeds.index(seed), mine["image"]] = mine["mean_weight"]
    seen = np.isfinite(weights)
    with np.errstate(invalid="ignore"):
        mean_weights = np.where(seen, weights, 0).sum(0) / seen.sum(0)
    return Opinions(given, predicted / len(seeds), mean_weights)
