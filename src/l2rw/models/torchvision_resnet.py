"""ResNets as torchvision has them, for images of any size, and for its trained weights.

He et al., *Deep Residual Learning for Image Recognition* (CVPR 2016, table 1), whose stem shrinks
images to a quarter of their sides at once. Small images would lose what they show: their stem
shrinks less, as is usual on CIFAR. Parameters have torchvision's names. This module alone imports
torchvision, and is imported where such a network is built.
"""

from typing import Any

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from l2rw.models.initialisation import Model, draw_residual_network

SMALL, MEDIUM = 48, 128
"""Sides, in pixels, from which on the stem halves images, and quarters them."""


class TorchvisionResNet(ResNet, Model):  # type: ignore[misc]
    """A stem, four stages of blocks, a classifier.

    Input (n, channels, height, width), output (n, classes).
    """

    def __init__(
        self, image_shape: tuple[int, int, int], classes: int, *, block: Any, layers: list[int]
    ) -> None:
        """Args: ``image_shape`` is (channels, height, width); ``layers`` has blocks by stage."""
        super().__init__(block, layers, num_classes=classes)
        channels, height, width = image_shape
        self.conv1: nn.Conv2d
        side, out = min(height, width), self.conv1.out_channels
        if side < SMALL:
            self.conv1 = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        elif channels != self.conv1.in_channels:
            self.conv1 = nn.Conv2d(channels, out, 7, stride=2, padding=3, bias=False)
        if side < MEDIUM:
            self.maxpool = nn.Identity()

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw as He et al. did."""
        draw_residual_network(self, generator)


def resnet18(image_shape: tuple[int, int, int], classes: int) -> TorchvisionResNet:
    """ResNet-18."""
    return TorchvisionResNet(image_shape, classes, block=BasicBlock, layers=[2, 2, 2, 2])


def resnet50(image_shape: tuple[int, int, int], classes: int) -> TorchvisionResNet:
    """ResNet-50, of blocks with bottlenecks."""
    return TorchvisionResNet(image_shape, classes, block=Bottleneck, layers=[3, 4, 6, 3])
