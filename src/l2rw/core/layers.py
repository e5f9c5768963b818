"""Layers that are linear in their parameters, as functions of inputs and parameters.

With weight and bias together as θ, such a layer maps inputs a to outputs y(a; θ) for which
y(a; αθ + βφ) = α·y(a; θ) + β·y(a; φ). Normalisation by example counts: its affine part is linear.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LocalParameters = dict[str, Tensor | None]
"""``weight`` and ``bias`` of a layer; None for what it lacks."""


def _convolve(layer: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    outputs: Tensor = layer._conv_forward(inputs, weight, bias)
    return outputs


LINEAR_LAYERS: dict[type[nn.Module], Callable[[Any, Tensor, Any, Any], Tensor]] = {
    nn.Linear: lambda _, x, weight, bias: F.linear(x, weight, bias),
    nn.Conv1d: _convolve,
    nn.Conv2d: _convolve,
    nn.Conv3d: _convolve,
    nn.Embedding: lambda layer, x, weight, _: F.embedding(x, weight, layer.padding_idx),
    nn.LayerNorm: lambda layer, x, weight, bias: F.layer_norm(
        x, layer.normalized_shape, weight, bias, layer.eps
    ),
    nn.GroupNorm: lambda layer, x, weight, bias: F.group_norm(
        x, layer.num_groups, weight, bias, layer.eps
    ),
}
"""By exact type, for a subclass may do anything: outputs of (layer, inputs, weight, bias)."""


def is_linear_in_parameters(layer: nn.Module) -> bool:
    """Whether :func:`outputs` and :func:`parameter_gradient` know the layer as it is."""
    if type(layer) not in LINEAR_LAYERS or "forward" in vars(layer):
        return False
    if any(p is not None and p.is_complex() for p in local_parameters(layer).values()):
        return False  # gradients of complex numbers are conjugated
    # These change weights on the way, count tokens over the batch, or have sparse gradients.
    special = isinstance(layer, nn.Embedding) and (
        layer.max_norm is not None or layer.scale_grad_by_freq or layer.sparse
    )
    return not special


def local_parameters(layer: nn.Module) -> LocalParameters:
    """Return what the layer now holds as weight and bias."""
    return {name: getattr(layer, name, None) for name in ("weight", "bias")}


def outputs(layer: nn.Module, inputs: Tensor, at: LocalParameters) -> Tensor:
    """Return the layer's outputs with other parameters than its own."""
    return LINEAR_LAYERS[type(layer)](layer, inputs, at["weight"], at["bias"])


def has_examples_first(layer: nn.Module, inputs: Tensor) -> bool:
    """Whether inputs have a dimension for examples before those that the layer works on."""
    dimensions = inputs.dim()
    if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return dimensions == layer.weight.dim()
    if isinstance(layer, nn.LayerNorm):
        return dimensions > len(layer.normalized_shape)
    return dimensions >= (1 if isinstance(layer, nn.Embedding) else 2)


def parameter_gradient(
    layer: nn.Module, inputs: Tensor, cotangent: Tensor, at: LocalParameters, wanted: list[str]
) -> dict[str, Tensor]:
    """Return the gradient of Σ cotangent · outputs by the wanted parameters.

    It does not depend on the parameters' values, but they say shape, dtype, and device.

    Args:
        layer: One that is linear in its parameters.
        inputs: Of the layer.
        cotangent: Of the shape of its outputs.
        at: Parameters.
        wanted: Names among ``weight`` and ``bias``.
    """
    weight = at["weight"]
    assert weight is not None
    if inputs.is_floating_point():
        inputs = inputs.to(cotangent.dtype)  # as autocast has them
    if isinstance(layer, nn.Linear):
        found = _of_linear(inputs, cotangent)
    elif isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and _pads_with_zeros(layer):
        found = _of_convolution(layer, inputs, cotangent, weight, wanted)
    else:
        found = _by_autograd(layer, inputs, cotangent, at, wanted)
    return {name: found[name].to(weight.dtype) for name in wanted}


def _of_linear(inputs: Tensor, cotangent: Tensor) -> dict[str, Tensor]:
    rows = cotangent.flatten(0, -2)
    return {"weight": rows.T @ inputs.flatten(0, -2), "bias": rows.sum(0)}


def _pads_with_zeros(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> bool:
    """Whether the same number of zeros goes to both sides; padding "same" is left to autograd."""
    return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _of_convolution(
    layer: Any, inputs: Tensor, cotangent: Tensor, weight: Tensor, wanted: list[str]
) -> dict[str, Tensor]:
    _, of_weight, of_bias = torch.ops.aten.convolution_backward(
        *(cotangent, inputs, weight.to(cotangent.dtype), [layer.out_channels]),
        *(layer.stride, layer.padding, layer.dilation),
        *(False, [0], layer.groups),  # not transposed
        [False, "weight" in wanted, "bias" in wanted],
    )
    return {"weight": of_weight, "bias": of_bias}


def _by_autograd(
    layer: nn.Module, inputs: Tensor, cotangent: Tensor, at: LocalParameters, wanted: list[str]
) -> dict[str, Tensor]:
    fresh = {name: None if p is None else p.detach().requires_grad_() for name, p in at.items()}
    by = [p for name in wanted if (p := fresh[name]) is not None]
    with torch.enable_grad():
        found = torch.autograd.grad(outputs(layer, inputs, fresh), by, cotangent)
    return dict(zip(wanted, found, strict=True))
