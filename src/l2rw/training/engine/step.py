"""One step of training, in place."""

from collections.abc import Callable

import torch

from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.methods.base import Batch, Method, MethodState, StepResult, is_own
from l2rw.training.engine import optimizers
from l2rw.training.engine.batches import StackedBatches
from l2rw.training.engine.optimizers import Group, Variables
from l2rw.training.engine.passes import Passes
from l2rw.training.engine.state import State
from l2rw.training.engine.transforms import compile_function, parallel_seeds

Gradient = Callable[[Parameters, Batch, MethodState, Variables], WeightedGradient]


class Step:
    """A step of a stack of seeds.

    It asks nothing of the host, knows no number that changes from step to step, and leaves nothing
    new behind: all that it changes are the tensors of a state, in their places. So it may be
    captured once and replayed; see :mod:`l2rw.training.engine.replay`.
    """

    def __init__(
        self,
        passes: Passes,
        groups: list[Group],
        batches: StackedBatches,
        state: State,
        *,
        compiled: bool,
    ) -> None:
        """Args: ``compiled`` asks for the computation of gradients to be compiled."""
        self._passes, self._method = passes, passes.method
        self._groups, self._batches, self._state = groups, batches, state
        self._own = Variables(*({n: t for n, t in v.items() if is_own(n)} for v in state.variables))
        stack = len(state.history)
        gradient: Gradient = parallel_seeds(self._gradient_of_seed, stack)
        self._gradient = compile_function(gradient) if compiled else gradient
        self._remembers = type(self._method).update is not Method.update
        self._update_method = parallel_seeds(self._update_of_seed, stack)

    def __call__(self) -> None:
        """Advance the state by a step, whose block of batches is loaded."""
        state = self._state
        batch = self._batches.at(state.counter)
        seen = self._gradient(state.parameters, batch, state.method, self._own)
        rate, step = batch.learning_rate[0], batch.step[0]  # those of all seeds
        optimizers.update(self._groups, state.variables, seen.gradient, rate, step)
        self._passes.network.move_statistics(state.buffers, seen.aux)
        state.counter += 1
        state.tally.add(state.counter, seen, batch.labels)
        state.weight_tracker.add(batch.positions, seen.weights)
        if self._remembers:
            result = StepResult(
                batch,
                seen.losses,
                seen.weights,
                seen.aux.logits,
                state.parameters,
                state.velocity,
                state.buffers,
            )
            self._update_method(state.method, result)

    def _gradient_of_seed(
        self, parameters: Parameters, batch: Batch, memory: MethodState, own: Variables
    ) -> WeightedGradient:
        def advance_own(gradient: Parameters) -> Parameters:
            return optimizers.advanced(self._groups[-1], own, gradient, batch.step)

        return self._method.gradient(self._passes, parameters, batch, memory, advance_own)

    def _update_of_seed(self, memory: MethodState, result: StepResult) -> MethodState:
        with torch.no_grad():
            self._method.update(memory, result)
        return memory
