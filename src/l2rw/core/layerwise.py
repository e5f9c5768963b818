r"""L2RW layer by layer, the fastest exact way where no layer mixes examples.

Let a layer map example i's inputs :math:`a_i` to outputs :math:`y_i = y(a_i; \theta)`, linearly in
its parameters :math:`\theta`, and let :math:`\delta_i = \partial f_i / \partial y_i` be the
gradient of example i's loss at these outputs. One backward pass of :math:`\sum_i f_i` yields all
:math:`\delta_i`, because no other example's loss depends on :math:`y_i`.

What is the layer's part :math:`g_i = \partial f_i / \partial \theta` of example i's gradient? Move
the parameters by :math:`t v`. As the layer is linear in them, its outputs move by
:math:`t\, y(a_i; v)`, and by the chain rule the loss changes at the rate

.. math:: \langle g_i, v \rangle = \langle \delta_i, y(a_i; v) \rangle
        \qquad \text{for all } v \text{ of the shape of } \theta .

So inner products with :math:`g_i` need no :math:`g_i`: it is enough to run the layer with v in
place of its parameters. For all examples together:

1. :math:`v = \sum_j g_j` over the clean examples is the clean gradient up to a positive factor,
   which normalisation cancels.
2. :math:`u_i = \sum_\text{layers} \langle \delta_i, y(a_i; v) \rangle` are the alignments; weights
   :math:`w_i` follow from them as in :mod:`l2rw.core.weights`.
3. :math:`\sum_i w_i g_i` is the gradient to follow: an ordinary parameter gradient of each layer,
   with :math:`w_i \delta_i` as the gradient at its outputs.

This is the sum of section 3.2 of the paper, extended from multi-layer perceptrons to all layers
that are linear in their parameters. In units of a forward pass of the training batch it takes four:
the forward pass, a backward pass without parameter gradients, and one each for steps 2 and 3.
Forward mode takes five, SGD three; all leave out the clean batch. If a layer is used twice, or two
layers share a parameter, their parts add up: v is the gradient of the parameter, and each use has
inputs and :math:`\delta_i` of its own.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from l2rw.core.layer_uses import Examples, Loss, Use, run
from l2rw.core.layers import LocalParameters, outputs, parameter_gradient
from l2rw.core.weights import Parameters, WeightedGradient, normalise


def layerwise_gradient(
    model: nn.Module,
    loss: Loss,
    parameters: Parameters,
    batch: Examples,
    clean_batch: Examples,
    *,
    check: bool = False,
    weigh: Callable[[Tensor], Tensor] = normalise,
    clean_pass: Callable[[], AbstractContextManager[None]] | None = None,
    unused: bool = True,
) -> WeightedGradient:
    """Do the same as :func:`~l2rw.core.weights.reweighted_gradient` for independent examples.

    Inputs that fit into one tensor pass the network together, and dropout draws one mask for all;
    otherwise, the clean batch goes first. The gradients at the outputs of all layers are held at
    once, about as much memory again as an ordinary pass takes.

    Args:
        model: A network of one argument whose outputs for an example depend on no other example,
            and whose layers have the examples along their first dimension. What it computes again
            in the backward pass (checkpointing) is right with its own parameters alone.
        loss: Maps outputs and targets to example losses, shape (n,), each of its example alone.
        parameters: Where to differentiate, by name in ``model``; all else is constant.
        batch: Training inputs and targets.
        clean_batch: Clean inputs and targets.
        check: Whether to make sure, by one more backward pass, that nothing mixes examples.
        weigh: Turns alignments into weights, shape (n,) both.
        clean_pass: If given, the clean batch passes alone, within this context.
        unused: Whether parameters on which no loss depends get a gradient of zero, or none.

    Returns:
        Gradient, weights and losses; ``aux`` is the network's outputs for the training inputs.

    Raises:
        ValueError: A parameter acts outside the layers of :data:`~l2rw.core.layers.LINEAR_LAYERS`;
            batch normalisation mixes examples, or the check sees that something does; or examples
            are not along the first dimension.
    """
    _refuse_batch_statistics(model)
    passes = partial(run, model, loss, parameters, check=check)
    with torch.enable_grad():
        if clean_pass is not None:
            with clean_pass():
                (clean,) = passes([clean_batch])
            (ours,) = passes([batch])
        elif _fit_together(batch[0], clean_batch[0]):
            ours, clean = passes([batch, clean_batch])
        else:
            (clean,), (ours,) = passes([clean_batch]), passes([batch])
    with torch.no_grad():
        clean_gradient = _sum_of_gradients(clean.uses, parameters)
        products = [_alignments(use, clean_gradient, ours.losses.dtype) for use in ours.uses]
        weights = weigh(sum(products, torch.zeros_like(ours.losses)))
        gradient = _sum_of_gradients(_weighted(ours.uses, weights), parameters)
        if not unused:
            used = {name for use in ours.uses for name in use.names.values()}
            gradient = {name: gradient[name] for name in used}
    return WeightedGradient(gradient, weights, ours.losses, ours.outputs)


def _fit_together(one: object, other: object) -> bool:
    """Whether two batches of inputs can be one."""
    if not (isinstance(one, Tensor) and isinstance(other, Tensor) and one.dim() and other.dim()):
        return False
    return (one.shape[1:], one.dtype, one.device) == (other.shape[1:], other.dtype, other.device)


def _alignments(use: Use, v: Parameters, dtype: torch.dtype) -> Tensor:
    """Return ⟨δᵢ, layer(aᵢ; v)⟩ for all i, shape (n,)."""
    direction: LocalParameters = {"weight": None, "bias": None}
    for name, p in use.at.items():
        if name in use.names:
            direction[name] = v[use.names[name]]
        elif name == "weight" and p is not None:  # is frozen
            direction[name] = torch.zeros_like(p)
    products = outputs(use.layer, use.inputs, direction).mul_(use.delta)
    return products.sum(list(range(1, products.dim())), dtype=dtype)


def _sum_of_gradients(uses: Iterable[Use], parameters: Parameters) -> Parameters:
    """Return Σ gᵢ, over all uses and their examples, by name; zero for what is not used."""
    total: Parameters = {}
    for use in uses:
        found = parameter_gradient(use.layer, use.inputs, use.delta, use.at, list(use.names))
        for local, gradient in found.items():
            name = use.names[local]
            total[name] = total[name] + gradient if name in total else gradient
    return {n: total[n] if n in total else torch.zeros_like(p) for n, p in parameters.items()}


def _weighted(uses: Iterable[Use], weights: Tensor) -> Iterable[Use]:
    """Multiply δᵢ by wᵢ. On a CPU, examples of weight zero are left out, which takes less time.

    Elsewhere, shapes that depend on values would make the host wait for the device.
    """
    if weights.device.type == "cpu" and not weights.all():
        kept = weights.nonzero().squeeze(1)
        if len(kept) == 0:
            return []
        uses, weights = [use.rows(kept) for use in uses], weights[kept]
    return (use.scaled(weights) for use in uses)


def _refuse_batch_statistics(model: nn.Module) -> None:
    for name, layer in model.named_modules():
        if isinstance(layer, _BatchNorm) and (layer.training or layer.running_mean is None):
            raise ValueError(
                f"{name or 'the model'}, batch normalisation in training mode, mixes examples: "
                "layer-wise weights would be wrong"
            )
