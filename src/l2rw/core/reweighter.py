"""L2RW for any training loop: three lines around an ordinary optimiser.

>>> from l2rw import Reweighter
>>> reweighter = Reweighter(model, nn.CrossEntropyLoss(reduction="none"))
>>> for (inputs, targets), (clean_inputs, clean_targets) in batches:
...     optimizer.zero_grad()
...     weights = reweighter.backward(inputs, targets, clean_inputs, clean_targets)
...     optimizer.step()
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from l2rw.core.batchnorm import BatchStatistics, recording, updated
from l2rw.core.independence import examples_are_independent
from l2rw.core.layerwise import layerwise_gradient
from l2rw.core.weights import (
    Parameters,
    WeightedGradient,
    reweighted_gradient,
    reweighted_gradient_by_double_backward,
)

Loss = Callable[[Any, Any], Tensor]
Mode = Literal["layer-wise", "forward", "double backward"]
MODES = get_args(Mode)


class Reweighter:
    """Replaces ``loss.backward()``: weights the batch's examples by a clean batch.

    Any module and any optimiser will do. Frozen and tied parameters, dropout and batch
    normalisation in training mode are treated as an ordinary pass would: running statistics are
    updated once, by the training batch. The look-ahead is a plain SGD step whatever the optimiser.

    The weights are computed in one of three modes, with the same numbers up to rounding and to the
    masks that dropout draws:

    - ``layer-wise``, the fastest, about 1.5 times plain SGD, for networks and losses in which no
      example meets another, and whose parameters all lie in linear, convolutional, embedding,
      layer or group normalisation layers. See :mod:`l2rw.core.layerwise`.
    - ``forward``, about twice plain SGD, for all that has forward derivatives: see
      :mod:`l2rw.core.weights`.
    - ``double backward``, Algorithm 1 as printed, for operations that lack forward derivatives,
      such as recurrent layers on a GPU.
    """

    def __init__(self, model: nn.Module, loss: Loss, mode: Mode | None = None) -> None:
        """Prepare to train a model.

        Args:
            model: The network; called with one argument.
            loss: Maps the model's outputs and the targets to example losses, shape (n,).
            mode: How to compute the weights. Left out, it is layer-wise if the types of all modules
                and of the loss, taken from ``torch.nn``, show that this is right, and forward
                otherwise. Ask for ``layer-wise`` if you know that examples do not meet in modules
                and losses of your own; on the first batch, one more backward pass checks it.

        Raises:
            ValueError: There is no such mode.
        """
        if mode not in (None, *MODES):
            raise ValueError(f"there is no mode {mode!r}, only {', '.join(MODES)}")
        self.model, self.loss = model, loss
        self._asked, self._checked = mode, False

    @property
    def mode(self) -> Mode:
        """How the weights are computed, given what model and loss are now."""
        if self._asked is not None:
            return self._asked
        return "layer-wise" if examples_are_independent(self.model, self.loss) else "forward"

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
            ValueError: The loss does not return one value for each example, or what was asked to
                be layer-wise cannot be.
        """
        trainable = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        at = {name: parameter.detach() for name, parameter in trainable.items()}
        batch, clean_batch = (inputs, targets), (clean_inputs, clean_targets)
        if self.mode == "layer-wise":
            seen = self._layer_by_layer(at, batch, clean_batch)
        else:
            seen = self._by_transforms(at, batch, clean_batch)
        for name, parameter in trainable.items():
            gradient = seen.gradient[name]
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return seen.weights

    def _layer_by_layer(
        self, at: Parameters, batch: tuple[Any, Any], clean_batch: tuple[Any, Any]
    ) -> WeightedGradient:
        check = self._asked is not None and not self._checked
        seen = layerwise_gradient(self.model, self.loss, at, batch, clean_batch, check=check)
        self._checked = True
        return seen

    def _by_transforms(
        self, at: Parameters, batch: tuple[Any, Any], clean_batch: tuple[Any, Any]
    ) -> WeightedGradient:
        way = reweighted_gradient
        if self.mode == "double backward":
            way = reweighted_gradient_by_double_backward
        with recording(self.model) as record, _plain_kernels(self.model):

            def losses(at: Parameters) -> tuple[Tensor, dict[str, BatchStatistics]]:
                values = self._losses(at, *batch)
                if values.dim() != 1:
                    raise ValueError('the loss must keep examples apart, as reduction="none" does')
                return values, record.take()

            def clean_loss(at: Parameters) -> Tensor:
                values = self._losses(at, *clean_batch)
                record.take()
                return values.mean()

            seen = way(losses, clean_loss, at)
        self._update_running_statistics(seen.aux)
        return seen

    def _losses(self, at: Parameters, inputs: Any, targets: Any) -> Tensor:
        return self.loss(functional_call(self.model, at, (inputs,)), targets)

    @torch.no_grad()
    def _update_running_statistics(self, seen: dict[str, BatchStatistics]) -> None:
        buffers = dict(self.model.named_buffers())
        for name, value in updated(self.model, buffers, seen).items():
            buffers[name].copy_(value)


@contextmanager
def _plain_kernels(model: nn.Module) -> Iterator[None]:
    """Turn off fused kernels of attention and recurrence, which lack the derivatives needed."""
    with ExitStack() as stack:
        fast_path = torch.backends.mha.get_fastpath_enabled()
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast_path)
        torch.backends.mha.set_fastpath_enabled(False)
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if any(isinstance(module, nn.RNNBase) for module in model.modules()):
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False, allow_tf32=False))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield
