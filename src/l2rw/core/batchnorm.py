"""Batch normalisation inside functional transforms: statistics come back instead of being stored.

In training mode a layer normalises with the batch's own statistics and would update its running
ones in place, which a pass that is differentiated twice, or that only looks ahead, must not do.
While they record, layers leave their running statistics alone and record what they saw; who
ran the pass decides whether :func:`move_statistics` folds it in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

Tensors = dict[str, Tensor]


class BatchStatistics(NamedTuple):
    """What a layer saw in a batch, by channel."""

    mean: Tensor
    variance: Tensor
    """Unbiased, as running statistics hold it."""


class Record:
    """Batch statistics by layer name, filled by a forward pass."""

    def __init__(self) -> None:
        """Start empty."""
        self._seen: dict[str, BatchStatistics] = {}
        self._stored = False

    @contextmanager
    def of_pass(self, *, stored: bool = False) -> Iterator[dict[str, BatchStatistics]]:
        """Yield what a pass records.

        Args:
            stored: Whether layers are to store their statistics as usual and record nothing,
                which is right outside transforms.
        """
        # A dictionary of the pass's own: the compiler cannot return what older ones hold.
        self._seen, self._stored = {}, stored
        try:
            yield self._seen
        finally:
            self._seen, self._stored = {}, False

    def forward(self, name: str, layer: _BatchNorm, inputs: Tensor) -> Tensor:
        """Stand in for ``layer.forward``."""
        if not layer.training or layer.running_mean is None or self._stored:
            return layer.__class__.forward(layer, inputs)
        layer._check_input_dim(inputs)  # type: ignore[no-untyped-call]
        outputs, mean, inverse_std = _normalise(layer, inputs)
        n = inputs.numel() / inputs.shape[1]
        variance = (inverse_std.detach() ** -2 - layer.eps) * (n / max(n - 1, 1))
        self._seen[name] = BatchStatistics(mean.detach(), variance)
        return outputs.to(inputs.dtype)


def _normalise(layer: _BatchNorm, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return normalised inputs and, by channel, the batch's mean and inverse deviation."""
    if torch.compiler.is_compiling():  # which does not know tangents of one's own
        return _compose(layer, inputs)
    if layer.weight is None:
        return torch.native_batch_norm(inputs, None, None, None, None, True, 0.0, layer.eps)
    result: tuple[Tensor, Tensor, Tensor] = _Normalise.apply(
        inputs, layer.weight, layer.bias, layer.eps
    )
    return result


def _compose(layer: _BatchNorm, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Do the same in elementary steps, for the compiler to fuse."""
    others = [d for d in range(inputs.dim()) if d != 1]
    shape = [1, -1] + [1] * (inputs.dim() - 2)
    wide = inputs.float() if inputs.dtype in (torch.bfloat16, torch.float16) else inputs
    mean = wide.mean(others)
    centred = wide - mean.view(shape)
    inverse_std = (centred.square().mean(others) + layer.eps).rsqrt()
    scale = inverse_std if layer.weight is None else inverse_std * layer.weight
    outputs = centred * scale.view(shape)
    return outputs if layer.bias is None else outputs + layer.bias.view(shape), mean, inverse_std


class _Normalise(torch.autograd.Function):
    """Affine batch normalisation whose tangent takes few passes over the images.

    PyTorch composes the tangent of many element-wise steps; on the CPU they cost half as much as a
    whole SGD step of ResNet-32. Here it is two kernels of ordinary training, and their sum.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        inputs: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        return torch.native_batch_norm(inputs, weight, bias, None, None, True, 0.0, eps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, weight, _, ctx.eps = inputs
        _, mean, inverse_std = output
        ctx.mark_non_differentiable(mean, inverse_std)
        ctx.save_for_backward(x, weight, mean, inverse_std)
        ctx.save_for_forward(x, weight, mean, inverse_std)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse_std = ctx.saved_tensors
        gradients = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, inverse_std, True, ctx.eps, [True, True, True]
        )
        return (*gradients, None)

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, weight_dot: Tensor, bias_dot: Tensor, _: None) -> Any:
        x, weight, mean, inverse_std = ctx.saved_tensors
        # By channel, ∂outputs/∂inputs is a symmetric matrix: tangents go forward as gradients back.
        by_inputs = torch.ops.aten.native_batch_norm_backward(
            x_dot, x, weight, None, None, mean, inverse_std, True, ctx.eps, [True, False, False]
        )[0]
        # In its own parameters the layer is linear.
        variance = inverse_std**-2 - ctx.eps
        by_parameters = torch.native_batch_norm(
            x, weight_dot, bias_dot, mean, variance, False, 0.0, ctx.eps
        )[0]
        return by_inputs + by_parameters, None, None


class FastTangents(TorchFunctionMode):
    """Lets :func:`torch.nn.functional.batch_norm` use the tangent of :class:`_Normalise`.

    Whatever module calls the function, its own forward runs, and its running statistics move.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Stand in for one function in training mode."""
        if func is F.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _batch_norm(
    input: Tensor,  # noqa: A002 (as PyTorch names it)
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    n = input.numel() // max(input.shape[1], 1)
    ordinary = (running_mean, running_var, weight, bias, training, momentum, eps)
    if not training or weight is None or bias is None or n < 2:
        return F.batch_norm(input, *ordinary)
    outputs: Tensor
    outputs, mean, inverse_std = _Normalise.apply(input, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        variance = (inverse_std.detach() ** -2 - eps) * (n / (n - 1))
        with torch.no_grad():
            running_mean.lerp_(mean.detach().to(running_mean), momentum)
            running_var.lerp_(variance.to(running_var), momentum)
    return outputs


def record_statistics(model: nn.Module) -> Record:
    """Make a model's batch normalisation record, from now on, instead of updating itself."""
    record = Record()
    for name, layer in _layers(model).items():
        layer.forward = partial(record.forward, name, layer)  # type: ignore[method-assign]
    return record


def move_statistics(model: nn.Module, buffers: Tensors, seen: dict[str, BatchStatistics]) -> None:
    """Move running statistics in place towards what was seen, all layers in a few launches.

    Args:
        model: Names the layers and their momenta.
        buffers: All buffers of the model by name, possibly with leading dimensions.
        seen: Batch statistics by layer name, with the same leading dimensions.
    """
    counts: list[Tensor] = []
    old: list[Tensor] = []
    new: list[Tensor] = []
    shares: list[Any] = []
    for name, layer in _layers(model).items():
        if name in seen:
            prefix = f"{name}." if name else ""
            count = buffers[f"{prefix}num_batches_tracked"]
            # Without a momentum, the running statistics are plain means over all passes.
            share = (1 / (count + 1)).unsqueeze(-1) if layer.momentum is None else layer.momentum
            counts.append(count)
            shares += [share, share]
            old += [buffers[f"{prefix}running_mean"], buffers[f"{prefix}running_var"]]
            new += [value.to(old[-1].dtype) for value in seen[name]]
    if counts:
        if any(isinstance(share, Tensor) for share in shares):
            shares = [torch.as_tensor(s, device=counts[0].device) for s in shares]
        way = torch._foreach_sub(new, old)
        torch._foreach_mul_(way, shares)
        torch._foreach_add_(old, way)
        torch._foreach_add_(counts, 1)


def _layers(model: nn.Module) -> dict[str, _BatchNorm]:
    return {name: m for name, m in model.named_modules() if isinstance(m, _BatchNorm)}
