r"""MentorNet DD: a curriculum learnt from data (Jiang et al., ICML 2018).

A trained mentor v, see :mod:`l2rw.methods.mentor`, weighs the examples, w_i = v_i / n. All count in
the burn-in, and example dropout is that of :mod:`l2rw.methods.mentornet_pd`.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from l2rw.methods.base import Arrays, Batch, MethodState, TrainingContext
from l2rw.methods.mentor import Mentor, taught
from l2rw.methods.self_paced import Paced
from l2rw.store.randomness import generator

MENTOR = "mentor/"
"""Begins the names of the mentor's parameters in the state."""


class MentorNetDD(Mentor):
    """The mentor comes from the mentor's run of the same seed and is constant."""

    def parameters(self, context: TrainingContext) -> dict[str, NDArray[np.float32]]:
        """Return none."""
        return {}

    def own_optimizer(self) -> None:
        """Return none."""

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return λ, the number of steps, and the mentor."""
        if not context.parent_own:
            raise ValueError("a trained mentor is needed")
        mentor = {MENTOR + name: value for name, value in context.parent_own.items()}
        return Paced.prepare(self, context) | {"steps": np.asarray(context.steps), **mentor}

    def random_draws(self, batch_size: int, seed: int, step: int) -> Arrays:
        """Return ``places``, as in :mod:`l2rw.methods.mentornet_pd`."""
        return {"places": generator("example dropout", seed, step).permutation(batch_size)}

    gradient = Paced.gradient
    update = Paced.update

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Return the mentor's opinions, shape (n,)."""
        phi = {n.removeprefix(MENTOR): t for n, t in state.items() if n.startswith(MENTOR)}
        opinions = self.opinions(phi, batch, state, losses).sigmoid().to(losses.dtype)
        return taught(batch, state, opinions, self.settings.burn_in)
