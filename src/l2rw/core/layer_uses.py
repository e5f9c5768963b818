"""Uses of a network's layers in passes there and back: each layer's inputs and δ, by example."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.func import functional_call
from torch.utils._pytree import tree_map_only

from l2rw.core.layers import (
    LocalParameters,
    has_examples_first,
    is_linear_in_parameters,
    local_parameters,
    outputs,
)
from l2rw.core.weights import Parameters

Loss = Callable[[Any, Any], Tensor]
"""Maps a network's outputs and targets to example losses, shape (n,)."""
Examples = tuple[Any, Any]
"""Inputs and targets."""


class Use(NamedTuple):
    """What one use of a layer adds to the gradients of the examples."""

    layer: nn.Module
    at: LocalParameters
    names: dict[str, str]
    """Of the parameters to differentiate by, from their names in the layer."""
    inputs: Tensor
    """Of the layer, (n, ...)."""
    delta: Tensor
    """Gradient of the losses' sum at the layer's outputs, (n, ...)."""

    def rows(self, which: slice | Tensor) -> "Use":
        """Keep some examples."""
        return self._replace(inputs=self.inputs[which], delta=self.delta[which])

    def scaled(self, weights: Tensor) -> "Use":
        """Weigh the examples' losses."""
        shape = [-1] + [1] * (self.delta.dim() - 1)
        return self._replace(delta=self.delta * weights.to(self.delta.dtype).view(shape))


class Seen(NamedTuple):
    """What the passes of a batch yield."""

    losses: Tensor
    outputs: Any
    uses: list[Use]


def run(
    model: nn.Module, loss: Loss, parameters: Parameters, batches: list[Examples], *, check: bool
) -> list[Seen]:
    """Pass batches through the network together, and back to the outputs of its layers."""
    at = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    inputs, rows = batches[0][0], [slice(None)]
    if len(batches) > 1:
        ends = list(accumulate(len(ours) for ours, _ in batches))
        rows = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        inputs = torch.cat([ours for ours, _ in batches])
    watched = []
    if check and isinstance(inputs, Tensor) and inputs.is_floating_point():
        inputs = inputs.detach().requires_grad_().clone()  # a copy may be changed in place
        watched = [get_gradient_edge(inputs)]
    with _calls_of_layers(model, at) as calls:
        seen = functional_call(model, _by_place(model, at), (inputs,), tie_weights=False)
        parts = [_rows_of(seen, which) for which in rows]
        losses = [loss(part, targets) for part, (_, targets) in zip(parts, batches, strict=True)]
    if any(values.dim() != 1 for values in losses):
        raise ValueError('the loss must keep examples apart, as reduction="none" does')
    together = torch.cat(losses)
    _check_calls(calls, len(together))
    if check:
        _check_that_examples_do_not_meet([*watched, *(call.output for call in calls)], together)
    uses = _uses(calls, together, at)
    return [
        Seen(
            values.detach(),
            tree_map_only(Tensor, Tensor.detach, part),
            [use.rows(which) for use in uses],
        )
        for values, part, which in zip(losses, parts, rows, strict=True)
    ]


def _by_place(model: nn.Module, at: Parameters) -> Parameters:
    """Name each place that a parameter has, once.

    ``functional_call`` with ``tie_weights`` would swap a module that has two names twice, and
    leave it with these tensors.
    """
    every = model.named_parameters(remove_duplicate=False)
    names = {id(p): name for name, p in every if name in at}
    return {
        f"{place}.{local}".removeprefix("."): at[names[id(p)]]
        for place, module in model.named_modules()
        for local, p in module._parameters.items()
        if id(p) in names
    }


def _rows_of(tree: Any, which: slice) -> Any:
    return tree_map_only(Tensor, lambda tensor: tensor[which], tree)


class _Call(NamedTuple):
    """A use of a layer, seen in the forward pass."""

    layer: nn.Module
    at: LocalParameters
    names: dict[str, str]
    inputs: Tensor
    version: int
    """Of the inputs when the layer saw them."""
    output: GradientEdge
    """Where δ arrives, even if the outputs are then changed in place."""


@contextmanager
def _calls_of_layers(model: nn.Module, at: Parameters) -> Iterator[list[_Call]]:
    """Record uses of layers, and cut the graph between them and the tensors of ``at``.

    What then still connects a loss with one of these tensors is a use that was not seen.
    """
    names = {id(tensor): name for name, tensor in at.items()}
    calls: list[_Call] = []

    def forward(layer: nn.Module, input: Tensor) -> Tensor:  # noqa: A002 (as layers call it)
        own = local_parameters(layer)
        trained = {local: names[id(p)] for local, p in own.items() if id(p) in names}
        # With gradients required, the outputs have a node in the graph, whatever the inputs are.
        # What is no parameter may have been computed from one, and stays connected.
        cut: LocalParameters = {
            local: p if p is None or local not in trained else p.detach().requires_grad_()
            for local, p in own.items()
        }
        if trained and isinstance(input, Tensor) and not has_examples_first(layer, input):
            raise _not_first(layer)
        result = outputs(layer, input, cut)
        if trained and not result.requires_grad:
            raise ValueError(f"{layer} is used where gradients are off, or computed again later")
        if trained:
            edge = get_gradient_edge(result)
            calls.append(_Call(layer, cut, trained, input.detach(), input._version, edge))
        return result

    layers = [layer for layer in model.modules() if is_linear_in_parameters(layer)]
    try:
        for layer in layers:
            layer.forward = partial(forward, layer)
        yield calls
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


def _check_calls(calls: list[_Call], examples: int) -> None:
    for call in calls:
        if len(call.inputs) != examples:
            raise _not_first(call.layer)
        if call.inputs._version != call.version:
            raise ValueError(f"the inputs of {call.layer} were changed in place after their use")


def _uses(calls: list[_Call], losses: Tensor, at: Parameters) -> list[Use]:
    """Pass backward from example losses to the outputs of layers, and to no parameter."""
    edges = [call.output for call in calls]
    targets: Any = [*edges, *at.values()]
    deltas = torch.autograd.grad(losses.sum(), targets, allow_unused=True)
    for name, gradient in zip(at, deltas[len(edges) :], strict=True):
        if gradient is not None:
            raise ValueError(
                f"parameter {name} acts outside a layer that is known to be linear in it: "
                "layer-wise weights would be wrong"
            )
    return [
        Use(call.layer, call.at, call.names, call.inputs, delta)
        for call, delta in zip(calls, deltas, strict=False)
        if delta is not None  # else the losses do not depend on it
    ]


def _not_first(layer: nn.Module) -> ValueError:
    return ValueError(
        f"{layer} does not have the examples, one by one, along the first dimension of its inputs "
        "and outputs: layer-wise weights would be wrong"
    )


def _check_that_examples_do_not_meet(edges: list[GradientEdge], losses: Tensor) -> None:
    """See whether the losses of half the examples depend on what is computed for the others."""
    n = len(losses)
    generator = torch.Generator().manual_seed(n)
    half = torch.randperm(n, generator=generator, device="cpu") % 2 == 0
    half = half.to(losses.device)
    deltas = torch.autograd.grad(losses[half].sum(), edges, retain_graph=True, allow_unused=True)
    if any(delta is not None and delta[~half].any() for delta in deltas):
        raise ValueError(
            "an example's loss depends on other examples: layer-wise weights would be wrong"
        )
