r"""MentorNet PD: MentorNet's predefined curriculum (Jiang et al., ICML 2018).

The paper trains a network to imitate this curriculum; here it is computed. λ is as in
:mod:`l2rw.methods.self_paced`. With the share t of the steps done, an example counts

.. math:: v_i = 1 \text{ in the burn-in;} \qquad v_i = 1[\ell_i \le \lambda] ; \qquad
    v_i = \min(\max(1 - (\ell_i - \lambda) / \gamma, 0), 1) \text{ in the last tenth,}

and w_i = v_i / n. Example dropout takes away a share of every batch at random: half of it until
t = 0.17, a twentieth until 0.83, nothing then.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from l2rw.methods.base import Arrays, Batch, MethodState, TrainingContext
from l2rw.methods.self_paced import Paced
from l2rw.methods.weight_settings import MentorNetPDSettings
from l2rw.store.randomness import generator

DROPOUT = ((0.17, 0.5), (0.83, 0.05), (1.0, 0.0))
"""Until which share of the steps which share of a batch is taken away."""
LINEAR_FROM = 0.9


class MentorNetPD(Paced):
    """The state is ``threshold`` and the number of ``steps``."""

    Settings: ClassVar[type[MentorNetPDSettings]] = MentorNetPDSettings
    settings: MentorNetPDSettings

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return the state."""
        return super().prepare(context) | {"steps": np.asarray(context.steps)}

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return ``places``, a permutation; dropout takes the last ones away."""
        return {"places": generator("example dropout", seed, step).permutation(batch_size)}

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return the curriculum's weights, shape (n,)."""
        done = batch.step / state["steps"]
        above = losses - self.moved_threshold(state, losses)
        linear = (1 - above / self.settings.gamma).clamp(0, 1)
        v = torch.where(done < LINEAR_FROM, (above <= 0).to(losses.dtype), linear)
        v = torch.where(done < self.settings.burn_in, torch.ones_like(v), v)
        return kept_by_dropout(batch, done) * v / len(losses)


def kept_by_dropout(batch: Batch, done: Tensor) -> Tensor:
    """Return which examples dropout leaves when a share of the steps is done, shape (n,)."""
    n = len(batch.labels)
    keeps = torch.zeros_like(batch.step)
    for until, rate in reversed(DROPOUT):
        count = torch.full_like(keeps, int(n * (1 - rate)))
        keeps = torch.where(done < until, count, keeps)
    return batch.extra["places"] < keeps
