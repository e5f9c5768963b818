"""The paper's method."""

from l2rw.core.weights import Parameters, WeightedGradient, reweighted_gradient
from l2rw.methods.base import AdvanceOwn, Batch, Losses, Method, MethodState


class L2RW(Method):
    """The clean batch decides at every step how much each example counts (Algorithm 1)."""

    def gradient(
        self,
        losses: Losses,
        parameters: Parameters,
        batch: Batch,
        state: MethodState,
        advance_own: AdvanceOwn,
    ) -> WeightedGradient:
        """Weight by alignment with the clean gradient; see :mod:`l2rw.core.weights`."""
        clean_images, clean_labels = batch.extra["clean_images"], batch.extra["clean_labels"]
        return reweighted_gradient(
            lambda at: losses(at, batch.images, batch.labels),
            lambda at: losses(at, clean_images, clean_labels)[0].mean(),
            parameters,
        )
