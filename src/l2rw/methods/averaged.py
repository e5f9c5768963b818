r"""Averages of the weights of a network, evaluated in its place (Tarvainen and Valpola, 2017).

Rows ``+ema`` train as their method says. Beside the network they keep

.. math:: \bar{\theta} \leftarrow \alpha \bar{\theta} + (1 - \alpha) \theta ,

with α no more than 1 - 1/t after t steps, so that the first values do not linger. The running
statistics of batch normalisation are averaged likewise.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.methods.base import Arrays, Method, MethodState, StepResult, TrainingContext, is_own

AVERAGE = "average/"
"""Begins the names of averages in the state."""


class Averaging(Method):
    """Goes before a method among the bases of a class; see :func:`averaged`."""

    decay: ClassVar[float]
    """The limit of α, in (0, 1)."""

    def prepare(self, context: TrainingContext) -> Arrays:
        """Return the method's state, and the averages."""
        averages = {AVERAGE + name: value for name, value in context.initial.items()}
        return super().prepare(context) | averages

    def update(self, state: MethodState, result: StepResult) -> None:
        """Update the method's state, and move the averages."""
        super().update(state, result)
        steps = result.batch.step + 1
        share = (1 / steps).clamp(min=1 - self.decay)  # of the present values
        for name, value in (result.parameters | result.buffers).items():
            if not is_own(name):
                average = state[AVERAGE + name]
                average.copy_(_moved(average, value, share))

    def predictor(
        self, parameters: Parameters, buffers: Tensors, state: MethodState
    ) -> tuple[Parameters, Tensors]:
        """Return what the method makes of the averages."""
        return super().predictor(
            {name: state.get(AVERAGE + name, value) for name, value in parameters.items()},
            {name: state[AVERAGE + name] for name in buffers},
            state,
        )


def averaged(method: type[Method], decay: float) -> type[Method]:
    """Return the method whose averages are evaluated."""
    attributes: dict[str, Any] = {"decay": decay, "__doc__": method.__doc__}
    return type(method.__name__, (Averaging, method), attributes)


def _moved(average: Tensor, value: Tensor, share: Tensor) -> Tensor:
    """Return the average after a step; counts, which are whole numbers, are those of now."""
    if not average.is_floating_point():
        return value
    return torch.lerp(average, value, share.to(average.dtype))
