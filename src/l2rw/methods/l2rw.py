"""The paper's method."""

from l2rw.core.weights import Parameters, WeightedGradient
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
        clean_batch = batch.extra["clean_images"], batch.extra["clean_labels"]
        return losses.reweighted_gradient(parameters, (batch.images, batch.labels), clean_batch)
