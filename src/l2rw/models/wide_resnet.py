"""Wide residual networks, used in the paper's uniform-flip experiments (section 4.2).

Zagoruyko & Komodakis, *Wide Residual Networks* (BMVC 2016, section 2 and table 1): residual blocks
with pre-activation, many channels, and dropout between their convolutions.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2rw.models.initialisation import Model, draw_residual_network
from l2rw.models.resnet import conv3x3


class WideBlock(nn.Module):
    """Normalisation, ReLU, 3×3 convolution, twice, beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, dropout: float) -> None:
        """Args: ``channels`` come in, ``width`` go out; ``stride`` divides the image size."""
        super().__init__()
        self.norm1, self.convolution1 = nn.BatchNorm2d(channels), conv3x3(channels, width, stride)
        self.norm2, self.convolution2 = nn.BatchNorm2d(width), conv3x3(width, width)
        self.dropout = nn.Dropout(dropout)
        self.projection = (
            None
            if (channels, stride) == (width, 1)
            else nn.Conv2d(channels, width, 1, stride, bias=False)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, channels, h, w) to (n, width, ⌈h / stride⌉, ⌈w / stride⌉)."""
        active = F.relu(self.norm1(images))
        residual = F.relu(self.norm2(self.convolution1(active)))
        residual = self.convolution2(self.dropout(residual))
        # As in the authors' code, a projection sees the activated images, an identity the raw ones.
        shortcut = images if self.projection is None else self.projection(active)
        result: Tensor = shortcut + residual
        return result


class WideResNet(Model):
    """WRN-depth-widen: a convolution, three stages of blocks, the last two halving, a classifier.

    Input (n, channels, height, width), output (n, classes).
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        depth: int,
        widen: int,
        dropout: float,
    ) -> None:
        """Args: ``image_shape`` is (channels, height, width); ``depth`` is 6 · blocks + 4."""
        super().__init__()
        blocks, rest = divmod(depth - 4, 6)
        if rest:
            raise ValueError(f"the depth of a wide ResNet is 6 · blocks + 4, not {depth}")
        channels = 16
        self.stem = conv3x3(image_shape[0], channels)
        self.stages = nn.Sequential()
        for width in (16 * widen, 32 * widen, 64 * widen):
            stage = nn.Sequential()
            for block in range(blocks):
                halves = block == 0 and len(self.stages) > 0
                stage.append(WideBlock(channels, width, 2 if halves else 1, dropout))
                channels = width
            self.stages.append(stage)
        self.norm = nn.BatchNorm2d(channels)
        self.output = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to logits (n, classes)."""
        features = F.relu(self.norm(self.stages(self.stem(images))))
        logits: Tensor = self.output(features.mean((2, 3)))
        return logits

    def draw(self, generator: torch.Generator) -> None:
        """Draw as Zagoruyko & Komodakis' code does."""
        draw_residual_network(self, generator)


def wrn28_10(image_shape: tuple[int, int, int], classes: int) -> WideResNet:
    """WRN-28-10 with the dropout of the paper."""
    return WideResNet(image_shape, classes, depth=28, widen=10, dropout=0.3)


def wrn_8x8(image_shape: tuple[int, int, int], classes: int) -> WideResNet:
    """A WRN-10-1 for images as small as scikit-learn's digits."""
    return WideResNet(image_shape, classes, depth=10, widen=1, dropout=0.3)
