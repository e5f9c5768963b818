"""A multilayer perceptron, for tables of features."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2rw.models.initialisation import Model


class MLP(Model):
    """Hidden layers, each followed by ReLU, then a linear one.

    Input (n, features), or anything else with n examples, which is flattened; output (n, classes).
    """

    examples_are_independent = True

    def __init__(self, features: int, classes: int, *, hidden: Sequence[int]) -> None:
        """Args: ``hidden`` has the width of every hidden layer."""
        super().__init__()
        widths = [features, *hidden]
        self.hidden = nn.ModuleList(map(nn.Linear, widths[:-1], widths[1:]))
        self.output = nn.Linear(widths[-1], classes)

    def forward(self, examples: Tensor) -> Tensor:
        """Map examples (n, …) to logits (n, classes)."""
        units = examples.flatten(1)
        for layer in self.hidden:
            units = F.relu(layer(units))
        logits: Tensor = self.output(units)
        return logits

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw as He et al. (2015) did: normals of variance 2 / inputs, of 1 / inputs at the end.

        Biases are zero.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                gain = 1 if layer is self.output else 2
                layer.weight.normal_(std=math.sqrt(gain / layer.in_features), generator=generator)
                nn.init.zeros_(layer.bias)


def mlp(shape: tuple[int, ...], classes: int) -> MLP:
    """Two hidden layers of 128 units."""
    return MLP(math.prod(shape), classes, hidden=(128, 128))
