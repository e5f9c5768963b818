"""The training loop that serves every method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from l2rw.data.sources import Dataset
from l2rw.data.splits import Split
from l2rw.methods import METHODS
from l2rw.methods.contract import Batch, Losses, Method
from l2rw.models import MODELS
from l2rw.models.initialisation import initialise
from l2rw.randomness import torch_generator
from l2rw.registry import load
from l2rw.training import sgd
from l2rw.training.evaluation import Evaluation, evaluate
from l2rw.training.examples import ImageStore, StackedBatches
from l2rw.training.history import Snapshot, Tally
from l2rw.training.spec import RunSpec
from l2rw.training.stack import over_seeds
from l2rw.weights import Parameters, WeightedGradient

Report = Callable[[int, Tally], None]
"""Told after every step: the steps done, and the tally since the last evaluation."""


@dataclass(frozen=True)
class Run:
    """What training leaves of one seed."""

    seed: int
    history: list[Snapshot]
    test: Evaluation
    """After the last step."""
    parameters: Parameters


def train(
    spec: RunSpec,
    dataset: Dataset,
    splits: Sequence[Split],
    classes: int,
    seeds: Sequence[int],
    device: torch.device,
    report: Report,
) -> list[Run]:
    """Train a stack of seeds at once.

    Args:
        spec: Settings of the runs.
        dataset: Source of the images.
        splits: One for each seed.
        classes: Number of classes in the splits.
        seeds: Seeds of the runs.
        device: Where to train.
        report: Called after every step.

    Returns:
        One run for each seed, in their order.

    Raises:
        UserError: A loss became infinite or NaN.
    """
    method: Method = load(METHODS, spec.method)()
    model: nn.Module = load(MODELS, spec.model)(dataset.info.image_shape, classes)
    losses = example_losses(model)
    batches = StackedBatches(spec, method, dataset, splits, classes, seeds, device)
    test_images = ImageStore(dataset.test_images, dataset.info.pixel_range, device)
    parameters = _initial_values(model, seeds, device)
    velocity = {name: torch.zeros_like(p) for name, p in parameters.items()}

    def gradient_of_seed(parameters: Parameters, batch: Batch) -> WeightedGradient:
        return method.gradient(losses, parameters, batch)

    gradient = over_seeds(gradient_of_seed, len(seeds))
    tally = Tally(spec, seeds, device)
    history: list[list[Snapshot]] = [[] for _ in seeds]
    tests: list[Evaluation] = []
    for step in range(spec.steps):
        batch = batches[step]
        seen = gradient(parameters, batch)
        sgd.update(parameters, velocity, seen.gradient, spec, spec.learning_rate_at(step))
        tally.add(seen, batch.labels)
        report(step + 1, tally)
        if spec.evaluates_after(step):
            tests = [
                evaluate(losses, _of_seed(parameters, i), test_images, split.test)
                for i, split in enumerate(splits)
            ]
            for rows, snapshot in zip(history, tally.snapshots(step, tests), strict=True):
                rows.append(snapshot)
            tally = Tally(spec, seeds, device)
    return [
        Run(seed, history[i], tests[i], _of_seed(parameters, i)) for i, seed in enumerate(seeds)
    ]


def example_losses(model: nn.Module) -> Losses:
    """Return cross-entropy by example as a function of (parameters, images, labels)."""

    def losses(parameters: Parameters, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = functional_call(model, parameters, (images,))
        return F.cross_entropy(logits, labels, reduction="none"), logits

    return losses


def _initial_values(model: nn.Module, seeds: Sequence[int], device: torch.device) -> Parameters:
    of_seed = [initialise(model, torch_generator("initialisation", seed)) for seed in seeds]
    return {name: _stack([p[name] for p in of_seed]).to(device) for name in of_seed[0]}


def _stack(tensors: Sequence[Tensor]) -> Tensor:
    # torch.stack would forget the memory format of a single seed's tensors.
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(list(tensors))


def _of_seed(parameters: Parameters, index: int) -> Parameters:
    return {name: stacked[index] for name, stacked in parameters.items()}
