"""Initial parameters.

Draws are written out here, because ``torch.nn.init`` promises no stream of random numbers: its
truncated normals changed between PyTorch 2.11 and 2.15. What a seed begins with must not.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from l2rw.core.weights import Parameters


class Model(nn.Module):
    """A network that knows how to draw its initial parameters."""

    examples_are_independent: ClassVar[bool] = False
    """Whether its outputs for an example depend on no other, and all its parameters lie in layers
    of :data:`l2rw.core.layers.LINEAR_LAYERS`: not so with batch normalisation in training mode."""

    def draw(self, generator: torch.Generator) -> None:
        """Overwrite every parameter; whatever is random comes from the CPU generator."""
        raise NotImplementedError(f"{type(self).__name__} does not draw its initial values")


def initialise(model: Model, generator: torch.Generator) -> Parameters:
    """Draw initial parameters as the network does it.

    Args:
        model: The network; its own parameters are overwritten.
        generator: CPU generator of the draws.

    Returns:
        Copies of the parameters by name, float32, convolutions in channels-last memory format.
    """
    # Before drawing: generators fill memory in its order.
    model.to(memory_format=torch.channels_last)
    model.draw(generator)
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@torch.no_grad()
def draw_truncated_normal(parameter: Tensor, std: float, generator: torch.Generator) -> None:
    """Overwrite a tensor by normals of mean 0, those beyond two deviations drawn again.

    Each round of redrawing asks the generator for a whole tensor and keeps what is needed of it.
    """
    parameter.normal_(std=std, generator=generator)
    limit = parameter.new_tensor(2 * std)  # rounded as the parameter's values are
    while (beyond := parameter.abs() > limit).any():
        again = torch.empty_like(parameter).normal_(std=std, generator=generator)
        parameter.copy_(torch.where(beyond, again, parameter))


@torch.no_grad()
def draw_residual_network(model: nn.Module, generator: torch.Generator) -> None:
    """Draw as residual networks are drawn since He et al. (2015, equation 14, backward case).

    Convolutions are normal of variance 2 / (kernel area · output channels), batch normalisation
    starts as the identity, linear weights are uniform within 1 / √inputs, biases zero: the rule of
    fb.resnet.torch and of Zagoruyko & Komodakis' code.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            std = math.sqrt(2 / (layer.weight[0, 0].numel() * layer.out_channels))
            layer.weight.normal_(std=std, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            layer.weight.uniform_(-bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
