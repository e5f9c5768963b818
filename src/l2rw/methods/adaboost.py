r"""AdaBoost for several classes: SAMME (Zhu et al., 2009, after Freund and Schapire, 1997).

A run is a number of rounds with an equal share of the steps. In each a fresh network learns on the
distribution D over the N training examples; with its error ε under D, and K classes,

.. math:: \alpha = \ln \frac{1 - \epsilon}{\epsilon} + \ln (K - 1) , \qquad
    D_i \leftarrow D_i e^{\alpha 1[\mathrm{wrong}_i]} / Z .

D acts as weights N D_i / n of a batch of n. Networks vote with α. By the additive model behind
SAMME, the logit of class k is K / (K - 1)² times the votes for it.
"""

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.methods.base import (
    METHOD_PREFIX,
    Arrays,
    Batch,
    Forward,
    Method,
    MethodState,
    Review,
    TrainingContext,
)
from l2rw.methods.weight_settings import AdaBoostSettings

FIRST, LEARNERS = "first/", "learners/"


class AdaBoost(Method):
    """Every network begins with the initial values of the seed, and without momentum.

    An error below that of half an example counts as that. A network no better than guessing votes
    with zero and leaves D as it is. Until the first round ends, its network predicts alone.
    """

    Settings: ClassVar[type[AdaBoostSettings]] = AdaBoostSettings
    settings: AdaBoostSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return D, the votes by round, and each round's network beside the initial one."""
        rounds, n = self.settings.rounds, len(context.train)
        first = {FIRST + name: value for name, value in context.initial.items()}
        learners = {
            LEARNERS + name: np.zeros((rounds, *value.shape), value.dtype)
            for name, value in context.initial.items()
        }
        return {
            "distribution": np.full(n, 1 / n),
            "labels": context.train.labels,
            "votes": np.zeros(rounds),
            "classes": np.asarray(context.classes),
            "steps": np.asarray(context.steps),
            **first,
            **learners,
        }

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return N D_i / n, shape (n,)."""
        distribution = state["distribution"]
        share = len(distribution) / len(batch.labels)
        return (share * distribution[batch.positions]).to(losses.dtype)

    def reviews_after(self, step: int, steps: int) -> bool:
        """Whether a round ends."""
        return self._rounds_done(step, steps) > self._rounds_done(step - 1, steps)

    def review(self, state: MethodState, seen: Review) -> None:
        """End a round: weigh its network's vote, move D, begin the next one."""
        done = self._rounds_done(seen.step, int(state["steps"]))
        distribution = state["distribution"]
        wrong = torch.as_tensor(seen.predicted, device=distribution.device) != state["labels"]
        vote = _vote(distribution[wrong].sum(), len(wrong), int(state["classes"]))
        state["votes"][done - 1] = vote
        distribution.mul_(torch.exp(vote * wrong))
        distribution.div_(distribution.sum())
        parameters, *moments = seen.variables
        for name, value in (parameters | seen.buffers).items():
            state[LEARNERS + name][done - 1] = value
            if done < self.settings.rounds:
                value.copy_(state[FIRST + name])
        for moment in moments:
            for value in moment.values():
                value.zero_()

    def _rounds_done(self, step: int, steps: int) -> int:
        return step * self.settings.rounds // steps

    def predictor(
        self, parameters: Parameters, buffers: Tensors, state: MethodState
    ) -> tuple[Parameters, Tensors]:
        """Return the present network, and beside it the votes and the networks of all rounds."""
        kept = {n: t for n, t in state.items() if n == "votes" or n.startswith(LEARNERS)}
        return parameters | {METHOD_PREFIX + name: value for name, value in kept.items()}, buffers

    def predict(
        self,
        forward: Forward,
        parameters: Parameters,
        buffers: Tensors,
        state: MethodState,
        images: Tensor,
    ) -> Tensor:
        """Return the logits of the vote, (n, classes)."""
        voters = state["votes"].nonzero().flatten().tolist()
        if not voters:
            return forward(parameters, buffers, images)
        votes = []
        for place in voters:
            at, statistics = (
                {name: state[LEARNERS + name][place] for name in values}
                for values in (parameters, buffers)
            )
            logits = forward(at, statistics, images)
            chosen = logits == logits.amax(1, keepdim=True)
            votes.append(state["votes"][place].to(logits.dtype) * chosen)
        others = votes[0].shape[1] - 1
        return torch.stack(votes).sum(0) * (others + 1) / others**2


def _vote(error: Tensor, examples: int, classes: int) -> Tensor:
    """Return α for an error under D, a scalar."""
    error = error.clamp(min=0.5 / examples)
    vote = torch.log((1 - error) / error) + math.log(classes - 1)
    return vote.clamp(min=0)
