"""The base of methods that weigh an example by its given label."""

from torch import Tensor

from l2rw.methods.base import Batch, Method, MethodState


class ByLabel(Method):
    """The state ``class_weights``, shape (classes,), over the batch size."""

    def weights(self, batch: Batch, state: MethodState, losses: Tensor) -> Tensor:
        """Look the weights up by label, shape (n,)."""
        return state["class_weights"][batch.labels] / len(batch.labels)
