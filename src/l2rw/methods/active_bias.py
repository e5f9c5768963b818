r"""Active bias (Chang et al., NeurIPS 2017), the variant SGD-WPV: uncertain examples count more.

Of every training example the probabilities p of its given label are remembered, as they were
predicted in the steps that saw it. With the variance v of the h of them so far,

.. math:: w_i \propto \sqrt{v_i + v_i^2 / (h_i - 1)} + \epsilon ,

and weights sum to one in a batch. In the first quarter of the steps they are uniform. ε is 0.2, as
in the implementation of SELFIE (Song et al., ICML 2019); the paper takes it from the training set.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from l2rw.methods.base import Arrays, Batch, Method, MethodState, StepResult, TrainingContext
from l2rw.methods.weight_settings import ActiveBiasSettings


class ActiveBias(Method):
    """The state holds, by example, the ``count``, ``mean`` and summed ``squares`` of deviations.

    An example that a batch holds twice is remembered once.
    """

    Settings: ClassVar[type[ActiveBiasSettings]] = ActiveBiasSettings
    settings: ActiveBiasSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return the memory, each of shape (N,), and ``uniform_until``, a step."""
        memory = {n: np.zeros(len(context.train), np.float32) for n in ("count", "mean", "squares")}
        until = round(self.settings.warm_up * context.steps)
        return {**memory, "uniform_until": np.asarray(until)}

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return example weights that sum to one, shape (n,)."""
        count, squares = (state[name][batch.positions] for name in ("count", "squares"))
        others = (count - 1).clamp(min=1)
        variance = squares / others
        deviation = (variance + variance.square() / others).sqrt()
        v = (deviation + self.settings.smoothness).to(losses.dtype)
        v = torch.where(batch.step < state["uniform_until"], torch.ones_like(v), v)
        return v / v.sum()

    def update(self, state: MethodState, result: StepResult) -> None:
        """Remember the probabilities of the step (Welford's sums)."""
        at = result.batch.positions
        p = torch.exp(-result.losses).to(state["mean"].dtype)
        count = state["count"][at] + 1
        off = p - state["mean"][at]
        mean = state["mean"][at] + off / count
        state["count"][at] = count
        state["mean"][at] = mean
        state["squares"][at] = state["squares"][at] + off * (p - mean)
