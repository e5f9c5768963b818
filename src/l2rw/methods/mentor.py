r"""The mentor of MentorNet DD (Jiang et al., ICML 2018), and the run in which it learns.

The mentor sees an example's loss ℓ, how far it lies above the moving percentile λ of
:mod:`l2rw.methods.self_paced`, its given label, and the percentage of the steps done. A
bidirectional LSTM of one unit reads (ℓ, ℓ - λ), a sequence of length one; label and percentage are
embedded in 2 and 5 numbers; 20 tanh units and a sigmoid make

.. math:: v = \sigma(a^T \tanh(W [h_\rightarrow, h_\leftarrow, e_y, e_t] + b) + c) .

It learns to predict whether a label is right, by cross-entropy on examples whose truth is known,
those of the clean and hyper-validation sets, while it teaches a network of its own. In addition to
the batch, it trains on what it remembers of other examples from all times of the run so far.
Otherwise it would forget what losses mean early in training, and be useless for the next network.
"""

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad

from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.methods.base import (
    METHOD_PREFIX,
    AdvanceOwn,
    Arrays,
    Batch,
    Losses,
    MethodState,
    Optimizer,
    StepResult,
    TrainingContext,
    is_own,
    own_of,
)
from l2rw.methods.mentornet_pd import kept_by_dropout
from l2rw.methods.self_paced import Paced
from l2rw.methods.weight_settings import MentorSettings
from l2rw.store.randomness import generator

PERCENTAGES, LABEL_SIZE, EPOCH_SIZE, UNITS = 100, 2, 5, 20
AGAIN = 1000
"""Entries of the memory that a step draws, most of which were never filled."""
DIRECTIONS = ("forward", "backward")


class Mentor(Paced):
    """The parent run: a network and its mentor learn together.

    The network trains as in :mod:`l2rw.methods.mentornet_dd`, with the weights that the mentor
    predicts at the time, on training, clean and hyper-validation examples with given labels.
    """

    Settings: ClassVar[type[MentorSettings]] = MentorSettings
    settings: MentorSettings

    def parameters(self, context: TrainingContext) -> dict[str, NDArray[np.float32]]:
        """Return the mentor's initial values."""
        return initial_mentor(context.seed, context.classes)

    def own_optimizer(self) -> Optimizer | None:
        """Return Adam."""
        return Optimizer("adam", self.settings.learning_rate)

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return λ, the number of steps, and by example whether its truth is known, and its truth.

        Truth is 1 for right labels and 0 for wrong ones.
        """
        known = np.isin(
            context.train.indices,
            np.concatenate([context.clean.indices, context.validation.indices]),
        )
        (who,) = np.nonzero(known)
        return super().prepare(context) | {
            "steps": np.asarray(context.steps),
            "known": known.astype(np.float32),
            "truth": context.train.label_is_correct.astype(np.float32),
            "labels": context.train.labels,
            "who": who,
            # By percentage and example: loss, the same less λ, and a one. Others share a place.
            "slots": np.where(known, np.cumsum(known) - 1, len(who)),
            "memory": np.zeros((PERCENTAGES, len(who) + 1, 3), np.float32),
        }

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return ``places``, as in :mod:`l2rw.methods.mentornet_pd`, and what is seen ``again``."""
        return {
            "places": generator("example dropout", seed, step).permutation(batch_size),
            "again": generator("mentor", seed, step + 1).random((2, AGAIN)),
        }

    def gradient(
        self,
        losses: Losses,
        parameters: Parameters,
        batch: Batch,
        state: MethodState,
        advance_own: AdvanceOwn,
    ) -> WeightedGradient:
        """Return the network's gradient by the mentor's opinions, and the mentor's own."""
        phi = own_of(parameters)

        def weights(values: Tensor) -> Tensor:
            opinions = self.opinions(phi, batch, state, values).sigmoid()
            return taught(batch, state, opinions, self.settings.burn_in)

        found = losses.weighted_gradient(parameters, (batch.images, batch.labels), weights)
        known, truth = (state[name][batch.positions] for name in ("known", "truth"))

        then, slots = self._again(batch, state)
        losses_then, above_then, seen_then = state["memory"][then, slots].unbind(1)
        who = state["who"][slots]
        labels_then, truth_then = state["labels"][who], state["truth"][who]

        def mistakes(at: Parameters) -> Tensor:
            now = self.opinions(at, batch, state, found.losses)
            before = mentor_logits(at, losses_then, above_then, labels_then, then)
            logits, right = torch.cat([now, before.to(now)]), torch.cat([truth, truth_then])
            counts = torch.cat([known, seen_then]).to(now)
            each = F.binary_cross_entropy_with_logits(logits, right.to(now), reduction="none")
            return (counts * each).sum() / counts.sum().clamp(min=1)

        own = {METHOD_PREFIX + name: slope for name, slope in grad(mistakes)(phi).items()}
        theta = {name: g for name, g in found.gradient.items() if not is_own(name)}
        return found._replace(gradient=theta | own)

    def update(self, state: MethodState, result: StepResult) -> None:
        """Keep λ, and remember the losses of examples whose truth is known."""
        super().update(state, result)
        losses = result.losses
        entry = torch.stack([losses, losses - state["threshold"], torch.ones_like(losses)], 1)
        now = self._percentage(result.batch, state).expand(len(losses))
        slots = state["slots"][result.batch.positions]
        state["memory"][now, slots] = entry.to(state["memory"].dtype)

    def _again(self, batch: Batch, state: MethodState) -> tuple[Tensor, Tensor]:
        """Return percentages up to now, and slots of the memory, (AGAIN,) each, at random."""
        moments, whom = batch.extra["again"]
        then = (moments * (self._percentage(batch, state) + 1)).long()
        return then, (whom * len(state["who"])).long()

    def _percentage(self, batch: Batch, state: MethodState) -> Tensor:
        return (100 * batch.step // state["steps"]).clamp(max=PERCENTAGES - 1)

    def opinions(self, phi: Parameters, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return the logits of v, shape (n,), for losses (n,)."""
        above = losses - self.moved_threshold(state, losses)
        percentages = self._percentage(batch, state).expand(len(losses))
        return mentor_logits(phi, losses, above, batch.labels, percentages)


def initial_mentor(seed: int, classes: int) -> dict[str, NDArray[np.float32]]:
    """Draw a mentor: uniform within √(6 / (inputs + outputs)), the dense layers standard normal."""
    random = generator("mentor", seed)

    def uniform(*shape: int) -> NDArray[np.float32]:
        widest = np.sqrt(6 / sum(shape))
        return random.uniform(-widest, widest, shape).astype(np.float32)

    def normal(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape, np.float32)

    features = len(DIRECTIONS) + LABEL_SIZE + EPOCH_SIZE
    cells = {}
    for direction in DIRECTIONS:
        cells[direction] = uniform(2, 3)  # gates of input, candidate and output
        cells[f"{direction}_bias"] = np.zeros(3, np.float32)
    return {
        **cells,
        "labels": uniform(classes, LABEL_SIZE),
        "epochs": uniform(PERCENTAGES, EPOCH_SIZE),
        "hidden": normal(features, UNITS),
        "hidden_bias": normal(UNITS),
        "out": normal(UNITS),
        "out_bias": normal(1)[0],
    }


def mentor_logits(
    phi: Parameters, losses: Tensor, above: Tensor, labels: Tensor, percentages: Tensor
) -> Tensor:
    """Return the logits of v, shape (n,).

    Args:
        phi: As :func:`initial_mentor` draws it.
        losses: Of the examples, shape (n,).
        above: The same less λ, shape (n,).
        labels: As given, shape (n,).
        percentages: Of the steps done, shape (n,), int64.
    """
    seen = torch.stack([losses, above], 1)
    states = [_lstm(seen, phi[name], phi[f"{name}_bias"]) for name in DIRECTIONS]
    features = torch.cat([*states, phi["labels"][labels], phi["epochs"][percentages]], 1)
    hidden = (features @ phi["hidden"] + phi["hidden_bias"]).tanh()
    return hidden @ phi["out"] + phi["out_bias"]


def taught(batch: Batch, state: MethodState, opinions: Tensor, burn_in: float) -> Tensor:
    """Return example weights, shape (n,): all count in the burn-in, then by the opinions (n,)."""
    done = batch.step / state["steps"]
    v = torch.where(done < burn_in, torch.ones_like(opinions), opinions)
    return kept_by_dropout(batch, done) * v / len(opinions)


def _lstm(seen: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the state of one unit after its first input, shape (n, 1), from (n, 2)."""
    gates = seen @ weight + bias
    admitted, candidate, shown = gates[:, :1], gates[:, 1:2], gates[:, 2:]
    cell = admitted.sigmoid() * candidate.tanh()
    return shown.sigmoid() * cell.tanh()
