"""ResNet, the network of the paper's background-flip experiments (section 4.2).

The form for small images of He et al., *Deep Residual Learning for Image Recognition* (CVPR 2016,
section 4.2), with the parameter-free shortcuts of its option A.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2rw.models.initialisation import Model, draw_residual_network


def conv3x3(channels: int, width: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution to ``width`` channels that keeps the image size, or divides it."""
    return nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """Two normalised 3×3 convolutions around which the images also pass unchanged."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        """Args: ``channels`` come in, ``width`` go out; ``stride`` divides the image size."""
        super().__init__()
        self.convolution1, self.norm1 = conv3x3(channels, width, stride), nn.BatchNorm2d(width)
        self.convolution2, self.norm2 = conv3x3(width, width), nn.BatchNorm2d(width)
        self._stride, self._new_channels = stride, width - channels

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, channels, h, w) to (n, width, ⌈h / stride⌉, ⌈w / stride⌉)."""
        residual = F.relu(self.norm1(self.convolution1(images)))
        residual = self.norm2(self.convolution2(residual))
        return F.relu(self._shortcut(images) + residual)

    def _shortcut(self, images: Tensor) -> Tensor:
        if self._stride > 1:
            images = images[:, :, :: self._stride, :: self._stride]
        if self._new_channels:
            images = F.pad(images, (0, 0, 0, 0, 0, self._new_channels))
        return images


class ResNet(Model):
    """A convolution, stages of basic blocks that each halve the image but the first, a classifier.

    Input (n, channels, height, width), output (n, classes).
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        blocks: int,
        widths: Sequence[int],
    ) -> None:
        """Args: ``image_shape`` is (channels, height, width); ``blocks`` per stage, its width."""
        super().__init__()
        channels = widths[0]
        self.stem, self.norm = conv3x3(image_shape[0], channels), nn.BatchNorm2d(channels)
        self.stages = nn.Sequential()
        for width in widths:
            stage = nn.Sequential()
            for block in range(blocks):
                halves = block == 0 and len(self.stages) > 0
                stage.append(BasicBlock(channels, width, stride=2 if halves else 1))
                channels = width
            self.stages.append(stage)
        self.output = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to logits (n, classes)."""
        features = self.stages(F.relu(self.norm(self.stem(images))))
        logits: Tensor = self.output(features.mean((2, 3)))
        return logits

    def draw(self, generator: torch.Generator) -> None:
        """Draw as He et al. did."""
        draw_residual_network(self, generator)


def resnet32(image_shape: tuple[int, int, int], classes: int) -> ResNet:
    """ResNet-32: 6 · 5 + 2 layers."""
    return ResNet(image_shape, classes, blocks=5, widths=(16, 32, 64))


def resnet8(image_shape: tuple[int, int, int], classes: int) -> ResNet:
    """ResNet-8: the widths of ResNet-32 with one block a stage, for experiments on CPUs."""
    return ResNet(image_shape, classes, blocks=1, widths=(16, 32, 64))


def resnet_8x8(image_shape: tuple[int, int, int], classes: int) -> ResNet:
    """A ResNet-8 for images as small as scikit-learn's digits."""
    return ResNet(image_shape, classes, blocks=1, widths=(8, 16, 32))
