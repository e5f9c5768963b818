"""Steps of a method on a linear model by the contract, state and all, in double precision."""

import numpy as np
import torch
from tests.methods.known import Passes, batch, no_own_optimizer, prepared

from l2rw.methods.base import StepResult
from l2rw.training.engine.network import ForwardOutput

FEATURES, CLASSES = 4, 3


def in_float64(state):
    return {n: t.double() if t.is_floating_point() else t for n, t in state.items()}


class LinearTraining:
    """Trains images @ w by a method, with plain gradient descent."""

    def __init__(self, method, known, rate=0.3):
        self.method, self.rate = method, rate
        self.state = in_float64(prepared(method, known))
        self.w = torch.tensor(np.random.default_rng(0).normal(size=(FEATURES, CLASSES)))

    def step(self, images, labels, step, **seen):
        """Make a step; return the method's weighted gradient."""

        def losses(at, images, targets):
            logits = images @ at["w"]
            return self.method.losses(logits, targets, {}), ForwardOutput(logits, {})

        draws = self.method.random_draws(len(labels), 0, step)
        seen = batch(images, labels, step, **draws, **seen)
        at = {"w": self.w}
        found = self.method.gradient(Passes(losses), at, seen, self.state, no_own_optimizer)
        self.w = self.w - self.rate * found.gradient["w"]
        at = {"w": self.w}
        self.method.update(
            self.state,
            StepResult(seen, found.losses, found.weights, found.aux.logits, at, {}, {}),
        )
        return found


def by_hand(w, images, labels):
    """Cross-entropy losses (n,) and their gradients (n, features, classes), without PyTorch."""
    logits = images @ np.asarray(w)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    losses = -np.log(p[np.arange(len(labels)), labels])
    return losses, images[:, :, None] * (p - np.eye(CLASSES)[labels])[:, None, :]


def draw(random, n=8):
    """Images and labels of a batch."""
    return random.normal(size=(n, FEATURES)), random.integers(CLASSES, size=n)
