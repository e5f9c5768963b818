"""Algorithm 1 in plain autograd, example by example: what every way of the library must equal.

No functional transforms, no code of the library. Each pass that should leave no trace has a copy of
the model of its own.
"""

import torch
from torch import nn


def call(model, inputs):
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if type(inputs) is tuple else model(inputs)


def parameters_of(*modules):
    found = [p for m in modules if isinstance(m, nn.Module) for p in m.parameters()]
    return [p for p in dict.fromkeys(found) if p.requires_grad]


def dense(gradient):
    return gradient.to_dense() if gradient is not None and gradient.is_sparse else gradient


def alignments(model, loss, batch, ahead, loss_ahead, clean):
    """Inner products of example gradients with the clean gradient; losses with their graph.

    ``ahead`` and ``loss_ahead`` are copies of model and loss, for the clean pass.
    """
    theirs = parameters_of(ahead, loss_ahead)
    clean_loss = loss_ahead(call(ahead, clean[0]), clean[1]).mean()
    goal = torch.autograd.grad(clean_loss, theirs, allow_unused=True)
    ours = parameters_of(model, loss)
    losses = loss(call(model, batch[0]), batch[1])
    assert losses.dim() == 1
    rows = []
    for one in losses:
        row = torch.autograd.grad(one, ours, retain_graph=True, allow_unused=True)
        pairs = [(dense(g), dense(v)) for g, v in zip(row, goal, strict=True)]
        products = [(g * v.conj()).real.sum() for g, v in pairs if g is not None and v is not None]
        rows.append(sum(products))
    return torch.stack([torch.as_tensor(row, dtype=losses.dtype) for row in rows]), losses


def backward(model, loss, batch, ahead, loss_ahead, clean):
    """Do what ``Reweighter.backward`` does, and return the weights."""
    products, losses = alignments(model, loss, batch, ahead, loss_ahead, clean)
    rectified = products.clamp(min=0)
    weights = rectified / rectified.sum().clamp(min=1e-300)
    (weights * losses).sum().backward()
    return weights
