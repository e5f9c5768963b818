r"""Self-paced learning (Kumar et al., NIPS 2010): easy examples first.

An example counts while its loss is below a threshold, 1[ℓ_i ≤ λ]. The paper raises λ by a schedule;
as in MentorNet's code (Jiang et al., ICML 2018), λ follows a percentile of the losses of a batch:

.. math:: \lambda \leftarrow d \lambda + (1 - d) \, \mathrm{percentile}_p(\ell) ,
    \qquad w_i = 1[\ell_i \le \lambda] / n .

It begins at zero. As in the paper, all examples count at first. Otherwise, classes that are learnt
late would never be learnt: their losses are large, so they do not count, and stay large.
"""

from typing import ClassVar, Protocol

import numpy as np
from torch import Tensor

from l2rw.methods.base import Arrays, Batch, Method, MethodState, StepResult, TrainingContext
from l2rw.methods.weight_settings import SelfPacedSettings


class PaceSettings(Protocol):
    """What settings of a method with a threshold have."""

    @property
    def percentile(self) -> float:
        """In (0, 1)."""

    @property
    def decay(self) -> float:
        """In [0, 1)."""


class Paced(Method):
    """The base of methods whose state is ``threshold``, the scalar λ."""

    settings: PaceSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return ``threshold``."""
        return {"threshold": np.asarray(0.0, np.float32)}

    def update(self, state: MethodState, result: StepResult) -> None:
        """Keep the threshold of the step."""
        state["threshold"].copy_(self.moved_threshold(state, result.losses))

    def moved_threshold(self, state: MethodState, losses: Tensor) -> Tensor:
        """Return λ once the losses (n,) of a step are known, a scalar."""
        decay, n = self.settings.decay, len(losses)
        percentile = losses.sort().values[round(self.settings.percentile * (n - 1))]
        return decay * state["threshold"] + (1 - decay) * percentile


class SelfPaced(Paced):
    """After a burn-in, examples count if their loss is at most λ. The state has ``steps``, too."""

    Settings: ClassVar[type[SelfPacedSettings]] = SelfPacedSettings
    settings: SelfPacedSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return the state."""
        return super().prepare(context) | {"steps": np.asarray(context.steps)}

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return 1/n or zero, shape (n,)."""
        burns_in = batch.step / state["steps"] < self.settings.burn_in
        counts = (losses <= self.moved_threshold(state, losses)) | burns_in
        return counts.to(losses.dtype) / len(losses)
