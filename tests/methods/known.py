"""What tests of methods share: a run's context, a batch, and a step by the contract."""

import numpy as np
import torch

from l2rw.core.weights import reweighted_gradient, weighted_gradient
from l2rw.data.splits import Part
from l2rw.methods.base import Batch, TrainingContext


def part(labels, truth=None, first=100):
    """Examples of consecutive images with these labels, all right unless said otherwise."""
    labels = np.asarray(labels)
    truth = np.ones(len(labels), dtype=bool) if truth is None else np.asarray(truth, dtype=bool)
    return Part(np.arange(len(labels)) + first, labels, truth)


def context(labels, truth=None, classes=2, transition=None, clean=None, seed=0, steps=10, **more):
    """What a method may know of a run on a training set of these labels."""
    clean = part([0, 1], first=0) if clean is None else clean
    train = part(labels, truth)
    return TrainingContext(train, clean, classes, seed, steps, {}, transition, **more)


def batch(images, labels, step=3, learning_rate=0.1, positions=None, **extra):
    """A batch of arrays; positions count up unless given."""
    tensors = {name: torch.as_tensor(np.asarray(value)) for name, value in extra.items()}
    positions = np.arange(len(labels)) if positions is None else positions
    return Batch(
        torch.as_tensor(images),
        torch.as_tensor(labels),
        torch.as_tensor(positions),
        torch.tensor(step),
        torch.tensor(learning_rate, dtype=torch.float64),
        tensors,
    )


def prepared(method, known):
    """The state of a method before the first step, as tensors."""
    return {n: torch.as_tensor(np.asarray(v)) for n, v in method.prepare(known).items()}


def no_own_optimizer(gradient):
    raise AssertionError("this method has no optimiser of its own")


class Passes:
    """Passes of a method's losses, of which a test says how they are computed."""

    def __init__(self, losses):
        self._losses = losses

    def __call__(self, parameters, images, targets):
        return self._losses(parameters, images, targets)

    def weighted_gradient(self, parameters, batch, weights):
        return weighted_gradient(lambda at: self(at, *batch), parameters, weights)

    def reweighted_gradient(self, parameters, batch, clean_batch):
        return reweighted_gradient(
            lambda at: self(at, *batch), lambda at: self(at, *clean_batch)[0].mean(), parameters
        )
