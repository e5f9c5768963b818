"""L2RW for any training loop: three lines around an ordinary optimiser.

>>> from l2rw import Reweighter
>>> reweighter = Reweighter(model, nn.CrossEntropyLoss(reduction="none"))
>>> for (inputs, targets), (clean_inputs, clean_targets) in batches:
...     optimizer.zero_grad()
...     weights = reweighter.backward(inputs, targets, clean_inputs, clean_targets)
...     optimizer.step()
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo

from l2rw.core.accumulation import Accumulation
from l2rw.core.alignments import by_double_backward, by_example, is_right
from l2rw.core.choice import (
    MODES,
    Mode,
    ModeName,
    differentiable_kernels,
    first_choice,
    refuse_unwrapped,
    short,
    signature,
)
from l2rw.core.example_losses import Loss, arguments, copied, requires_gradient, trained
from l2rw.core.independence import draws_masks
from l2rw.core.layerwise import layerwise_gradient
from l2rw.core.step import Step, Trial

_ONE_AT_A_TIME = threading.RLock()
"""Forward derivatives, and switches of kernels, are the whole process's."""


class Reweighter:
    """Replaces ``loss.backward()``: weights the batch's examples by a clean batch.

    Any module and any optimiser will do: the model is called as it is, and what a call leaves
    behind (buffers, ``.grad``, hooks' effects, random state) is that of one ordinary pass of the
    training batch. The look-ahead is a plain SGD step whatever the optimiser.
    ``docs/reweighter.md`` says what is treated how.

    The weights are computed in one of four modes, with the same numbers up to rounding:

    - ``layer-wise``, the fastest, for networks and losses of which types show that no layer mixes
      examples. See :mod:`l2rw.core.layerwise`.
    - ``forward``, for all that has forward derivatives.
    - ``double backward``, for all whose backward pass can be differentiated.
    - ``example by example``, a backward pass for each example, for everything else.

    The last three are in :mod:`l2rw.core.alignments`.
    """

    losses: Tensor
    """Of the last training batch, by example, unweighted and without a graph, shape (n,)."""
    loss_value: Tensor
    """Weighted sum of them, the loss whose gradient was added, a scalar."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        mode: ModeName | None = None,
        *,
        scaler: torch.amp.GradScaler | None = None,
        normalisation: Literal["global", "local"] = "global",
    ) -> None:
        """Prepare to train a model.

        Args:
            model: The network, or a wrapper around it. Inputs that are a tuple are its positional
                arguments, a dictionary its keyword arguments, anything else its one argument.
            loss: Maps the model's outputs and the targets to example losses, shape (n,), or
                (n, ...), of which each example's mean is taken; see
                :class:`~l2rw.core.example_losses.ExampleLosses`. Its own parameters, if it is a
                module, are trained like the model's.
            mode: How to compute the weights. Left out, it is layer-wise if the types of all modules
                and of the loss, taken from ``torch.nn``, show that this is right. Otherwise the
                first batch is weighed by double backward, or example by example where that fails,
                and the following ones in forward mode if it gave the same on the first.
            scaler: Multiplies the loss before its backward pass, as for any training in float16.
            normalisation: Under DistributedDataParallel, whether weights sum to one over the
                batches of all processes or of each.

        Raises:
            ValueError: There is no such mode, or model or loss are something else.
        """
        if not isinstance(model, nn.Module):
            raise ValueError(f"the model is a {type(model).__name__}, not a torch.nn.Module")
        if not callable(loss) or isinstance(loss, type):
            raise ValueError(
                "the loss is no function of outputs and targets; give one, such as "
                'nn.CrossEntropyLoss(reduction="none")'
            )
        if mode not in (None, *MODES):
            raise ValueError(f"there is no mode {mode!r}, only {', '.join(MODES)}")
        if normalisation not in ("global", "local"):
            raise ValueError(f"normalisation is global or local, not {normalisation!r}")
        self.model, self.loss = model, loss
        self._scaler, self._normalisation = scaler, normalisation
        self._asked = mode and Mode(mode, "it was asked for")
        self._found: tuple[int, Mode] | None = None
        self._calls, self._checked = 0, False
        self._accumulation: Accumulation | None = None

    @property
    def mode(self) -> Mode:
        """How the weights are computed, given what model and loss are now; its ``why`` says why."""
        if self._asked is not None:
            return self._asked
        if self._found is not None and self._found[0] == signature(self.model):
            return self._found[1]
        return first_choice(self.model, self.loss)

    @_disable_dynamo  # where the loop around it is compiled, too
    def backward(self, inputs: Any, targets: Any, clean_inputs: Any, clean_targets: Any) -> Tensor:
        """Add the gradient of the reweighted loss to the parameters' ``.grad``.

        Args:
            inputs: Training inputs, whatever the model takes.
            targets: Training targets, whatever the loss takes.
            clean_inputs: Inputs of the clean batch.
            clean_targets: Targets of the clean batch.

        Returns:
            The weights of the training examples, shape (n,): non-negative, with sum 1, or all
            zero if no example helps on the clean batch.

        Raises:
            ValueError: Something cannot be treated exactly; the message says what to do.
        """
        with _ONE_AT_A_TIME, torch.enable_grad(), differentiable_kernels(self.model):
            batches = (inputs, targets), (clean_inputs, clean_targets)
            step = Step(self.model, self.loss, *batches)
            self._calls += 1
            if self._normalisation == "global":
                refuse_unwrapped(step.processes)
            try:
                if self._goes_layer_by_layer(*batches):
                    return self._layer_by_layer(step, *copied(batches))
                losses, alignments = self._losses_and_alignments(step)
            except Exception:
                step.undo()
                step.processes.release()
                raise
            weights, factor = self._weigh(alignments, step.processes)
            self._remember(losses, weights)
            step.processes.before_the_final_pass()
            self._scaled((factor * weights * losses).sum()).backward()  # type: ignore[no-untyped-call]
            return weights

    @contextmanager
    def accumulate(self) -> Iterator[Accumulation]:
        """Treat the calls of :meth:`backward` within as parts of one batch.

        On exit the gradients that they added are rescaled, so that the weights of all parts
        together sum to one; :attr:`Accumulation.weights` has them. What was in ``.grad`` is added.
        """
        if self._accumulation is not None:
            raise ValueError("accumulate() is not for use within itself")
        self._accumulation = Accumulation(trained(self.model, self.loss))
        try:
            yield self._accumulation
            self._accumulation.finish()
        except BaseException:
            self._accumulation.cancel()
            raise
        finally:
            self._accumulation = None

    def _losses_and_alignments(self, step: Step) -> tuple[Tensor, Tensor]:
        v = step.clean_gradient()
        mode, trial = self.mode, None
        if mode == "forward" and (self._asked or self._found):
            try:
                found = step.in_forward_mode(v)
                with step.no_trace():
                    self._check(step, v, *found)
                return found
            except Exception as error:
                step.undo()
                step.run(step.batch)  # if this fails, too, the model or the batch is to blame
                step.undo()
                if self._asked:
                    raise _refusal(mode, error) from error
                mode = self._settle("double backward", f"forward mode failed: {short(error)}")
        elif mode == "forward":
            trial = step.try_forward_mode(v)
        losses = step.run(step.batch)
        if not losses.requires_grad:
            raise ValueError("no parameter that requires a gradient acts on the training losses")
        with step.no_trace():
            alignments, way = self._by_backward_passes(step, losses, v, mode)
            if trial is not None:
                self._compare(trial, step, losses, alignments, way)
        return losses, alignments

    def _by_backward_passes(
        self, step: Step, losses: Tensor, v: list[Tensor], mode: Mode
    ) -> tuple[Tensor, Mode]:
        if mode != "example by example":
            try:
                alignments = by_double_backward(losses, step.parameters, v)
                self._check(step, v, losses, alignments)
                return alignments, Mode("double backward", mode.why)
            except torch.OutOfMemoryError:
                raise
            except Exception as error:
                if self._asked:
                    raise _refusal(mode, error) from error
                why = f"double backward failed: {short(error)}"
            mode = self._settle("example by example", why)
        return by_example(losses, step.parameters, v), mode

    def _compare(
        self, trial: Trial | Exception, step: Step, losses: Tensor, alignments: Tensor, way: Mode
    ) -> None:
        """Use forward mode from now on if it gave the same on this batch."""
        if isinstance(trial, Exception):
            why = f"forward mode failed: {short(trial)}"
        elif step.agrees(trial, losses, alignments):
            self._settle("forward", f"on the first batch it gave the same as {way}")
            return
        else:
            why = "forward mode gave other numbers, as where tangents pass torch.no_grad()"
        self._settle(way, why if way == "double backward" else f"{why}; {way.why}")

    def _settle(self, name: str, why: str) -> Mode:
        mode = Mode(name, why)
        self._found = signature(self.model), mode
        return mode

    def _check(self, step: Step, v: list[Tensor], losses: Tensor, alignments: Tensor) -> None:
        """See whether a way is right, at first and then ever more rarely.

        What a first batch shows may be little: behind a layer that begins at zero, or where a loss
        is not finite, all ways agree.
        """
        due = self._calls & (self._calls - 1) == 0  # calls 1, 2, 4, 8, …
        if due or not self._checked:
            if not is_right(alignments, losses, step.parameters, v):
                raise ValueError("its numbers contradict an ordinary backward pass")
            self._checked = bool(alignments.any())

    def _weigh(self, alignments: Tensor, processes: Any) -> tuple[Tensor, int]:
        """Return weights, and what makes up for the mean that processes take of gradients."""
        rectified, total = alignments.clamp(min=0), alignments.clamp(min=0).sum()
        everywhere = self._normalisation == "global"
        if everywhere:
            total = processes.sum(total)
        if self._accumulation is not None:
            weights = self._accumulation.take(rectified, total)
        else:
            weights = rectified / (total + (total == 0))
        return weights, processes.count if everywhere else 1

    def _goes_layer_by_layer(self, batch: Any, clean_batch: Any) -> bool:
        if self.mode != "layer-wise" or requires_gradient(batch):
            return False
        one = all(len(arguments(inputs)[0]) == 1 for inputs, _ in (batch, clean_batch))
        if self._asked and not one:
            raise ValueError("layer-wise weights are for models of one input; leave mode out")
        return one

    def _layer_by_layer(self, step: Step, *batches: Any) -> Tensor:
        batch, clean_batch = ((arguments(inputs)[0][0], targets) for inputs, targets in batches)
        if step.processes.count > 1:
            raise ValueError("layer-wise weights are for one process; leave mode out")
        alone = self._asked is not None or draws_masks(self.model)
        parameters = step.by_name()
        found = layerwise_gradient(
            self.model,
            step.losses_of,
            parameters,
            batch,
            clean_batch,
            check=self._asked is not None and not self._checked,
            weigh=lambda alignments: self._weigh(alignments, step.processes)[0],
            clean_pass=step.clean_pass if alone else None,
            unused=False,
        )
        self._checked = True
        self._remember(found.losses, found.weights)
        for name, parameter in parameters.items():
            if name in found.gradient:  # as a backward pass does, calling hooks
                torch.autograd.backward([parameter], [self._scaled(found.gradient[name])])
        return found.weights

    def _remember(self, losses: Tensor, weights: Tensor) -> None:
        self.losses = losses.detach()
        self.loss_value = (weights * self.losses).sum()

    def _scaled(self, value: Tensor) -> Tensor:
        return value if self._scaler is None else self._scaler.scale(value)


def _refusal(mode: str, error: Exception) -> ValueError:
    return ValueError(
        f"{mode} mode is not possible here ({short(error)}); leave mode out, or choose another"
    )
