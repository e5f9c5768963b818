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
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from l2rw.core.batchnorm import BatchStatistics, recording, updated
from l2rw.core.weights import (
    Parameters,
    reweighted_gradient,
    reweighted_gradient_by_double_backward,
)

Loss = Callable[[Any, Any], Tensor]
Mode = Literal["forward", "double backward"]
MODES = {
    "forward": reweighted_gradient,
    "double backward": reweighted_gradient_by_double_backward,
}


class Reweighter:
    """Replaces ``loss.backward()``: weights the batch's examples by a clean batch.

    Any module and any optimiser will do. Frozen and tied parameters, dropout and batch
    normalisation in training mode are treated as an ordinary pass would: running statistics are
    updated once, by the training batch. The look-ahead is a plain SGD step whatever the optimiser.
    """

    def __init__(self, model: nn.Module, loss: Loss, mode: Mode = "forward") -> None:
        """Prepare to train a model.

        Args:
            model: The network; called with one argument.
            loss: Maps the model's outputs and the targets to example losses, shape (n,).
            mode: How to compute the weights; the same numbers either way, but for the order in
                which dropout draws its masks. Forward mode is faster; double backward serves
                operations that lack forward derivatives, such as recurrent layers on a GPU.
        """
        self.model, self.loss, self.mode = model, loss, mode

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
            ValueError: The loss does not return one value for each example.
        """
        trainable = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        with recording(self.model) as record, _plain_kernels(self.model):

            def losses(at: Parameters) -> tuple[Tensor, dict[str, BatchStatistics]]:
                values = self.loss(functional_call(self.model, at, (inputs,)), targets)
                if values.dim() != 1:
                    raise ValueError('the loss must keep examples apart, as reduction="none" does')
                return values, record.take()

            def clean_loss(at: Parameters) -> Tensor:
                values = self.loss(functional_call(self.model, at, (clean_inputs,)), clean_targets)
                record.take()
                return values.mean()

            at = {name: parameter.detach() for name, parameter in trainable.items()}
            seen = MODES[self.mode](losses, clean_loss, at)
        self._update_running_statistics(seen.aux)
        for name, parameter in trainable.items():
            gradient = seen.gradient[name]
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return seen.weights

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
