"""The passes of one training batch and its clean batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from l2rw.core.alignments import Gradients, agree, gradient, in_forward_mode
from l2rw.core.choice import refuse
from l2rw.core.distributed import Processes
from l2rw.core.example_losses import ExampleLosses, Loss, arguments, copied, trained
from l2rw.core.memory import Memory
from l2rw.core.randomness import Randomness

Examples = tuple[Any, Any]
"""Inputs and targets."""


class Trial(NamedTuple):
    """What forward mode gave, without a trace."""

    alignments: Tensor
    gradient: Gradients


class Step:
    """One step's batches, and what has to be put back after passes that are to leave no trace."""

    def __init__(self, model: nn.Module, loss: Loss, batch: Examples, clean: Examples) -> None:
        """Keep the state before the step.

        Raises:
            ValueError: No way computes weights of this model right.
        """
        self.model, self.losses_of = model, ExampleLosses(loss)
        self.processes = Processes(model)
        refuse(model, trained(model, loss))
        self.processes.gather()
        self.parameters = trained(model, loss)
        self.batch, self._clean = batch, clean
        self._modules = list(model.modules())
        if isinstance(loss, nn.Module):
            self._modules += loss.modules()
        self._functions = [] if isinstance(loss, nn.Module) else [loss]
        self._memory, self._randomness = self._state()

    def by_name(self) -> dict[str, Tensor]:
        """Return the model's own parameters that are trained."""
        return {n: p for n, p in self.model.named_parameters() if p.requires_grad}

    def run(self, examples: Examples) -> Tensor:
        """Return example losses, shape (n,), of an ordinary pass of copies."""
        inputs, targets = copied(examples)
        torch.clear_autocast_cache()  # weights that another pass cast have no tangents
        positional, named = arguments(inputs)
        losses = self.losses_of(self.model(*positional, **named), targets)
        self.processes.gather()  # what the pass let go, for more than one backward pass
        return losses

    def undo(self) -> None:
        """Put the state before the step back."""
        self._memory.restore()
        self._randomness.restore()

    @contextmanager
    def clean_pass(self) -> Iterator[None]:
        """Let a pass draw other masks than the training batch's, and leave no trace."""
        try:
            self._randomness.move_on()
            with self.processes.apart():
                yield
        finally:
            self.undo()

    @contextmanager
    def no_trace(self) -> Iterator[None]:
        """Put back, in the end, the state now."""
        memory, randomness = self._state()
        try:
            yield
        finally:
            memory.restore()
            randomness.restore()

    def clean_gradient(self) -> list[Tensor]:
        """Return the gradient of the clean examples' mean loss, by parameter."""
        with self.clean_pass():
            losses = self.run(self._clean)
            if not losses.requires_grad:
                raise ValueError("no parameter that requires a gradient acts on the clean losses")
            found = gradient(losses, self.parameters, _mean(losses))
        v = [
            torch.zeros_like(p) if g is None else g
            for p, g in zip(self.parameters, found, strict=True)
        ]
        return self.processes.mean(v, len(losses))

    def in_forward_mode(self, v: Gradients) -> tuple[Tensor, Tensor]:
        """Return example losses with their graph, and alignments, shape (n,) both."""
        return in_forward_mode(lambda: self.run(self.batch), self.parameters, v)

    def try_forward_mode(self, v: Gradients) -> Trial | Exception:
        """Return what forward mode gives, or its error; the state is then that before the step."""
        try:
            losses, alignments = self.in_forward_mode(v)
            return Trial(alignments, gradient(losses, self.parameters, _mean(losses)))
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever the model makes of tangents
            return error
        finally:
            self.undo()

    def agrees(self, trial: Trial, losses: Tensor, alignments: Tensor) -> bool:
        """Whether forward mode gave the same as backward passes."""
        ours = gradient(losses, self.parameters, _mean(losses))
        gradients = [
            agree(g, d, d.abs().sum().clamp(min=1e-30))
            for g, d in zip(trial.gradient, ours, strict=True)
            if g is not None and d is not None and not d.is_sparse
        ]
        same_use = all(
            (g is None) == (d is None) for g, d in zip(trial.gradient, ours, strict=True)
        )
        return same_use and all(gradients) and agree(trial.alignments, alignments, alignments)

    def _state(self) -> tuple[Memory, Randomness]:
        return (
            Memory(self._modules, self._functions),
            Randomness(
                t.device
                for m in self._modules
                for t in (*m._parameters.values(), *m._buffers.values())
                if t is not None
            ),
        )


def _mean(losses: Tensor) -> Tensor:
    return torch.full_like(losses, 1 / len(losses))
