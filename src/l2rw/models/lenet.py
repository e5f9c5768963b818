"""LeNet, the network of the paper's MNIST experiment (section 4.1)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2rw.models.initialisation import Model, draw_truncated_normal


class LeNet(Model):
    """Convolutions, each followed by 3×3 max-pooling of stride 2 and ReLU, then two linear layers.

    Input (n, channels, height, width), output (n, classes).
    """

    examples_are_independent = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        kernel: int,
        widths: Sequence[int],
        hidden: int,
    ) -> None:
        """Args: ``image_shape`` is (channels, height, width); the rest sizes the layers."""
        super().__init__()
        channels, height, width = image_shape
        self.convolutions = nn.ModuleList()
        for out in widths:
            self.convolutions.append(nn.Conv2d(channels, out, kernel, padding=kernel // 2))
            channels, height, width = out, -(-height // 2), -(-width // 2)
        self.hidden = nn.Linear(channels * height * width, hidden)
        self.output = nn.Linear(hidden, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, height, width) to logits (n, classes)."""
        for convolution in self.convolutions:
            images = F.relu(_halve(convolution(images)))
        logits: Tensor = self.output(F.relu(self.hidden(images.flatten(1))))
        return logits

    def draw(self, generator: torch.Generator) -> None:
        """Draw as the authors did: truncated normals of std 0.1, biases zero."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                draw_truncated_normal(parameter, 0.1, generator)


def lenet(image_shape: tuple[int, int, int], classes: int) -> LeNet:
    """The paper's "standard LeNet", with the widths and kernels of its authors' code.

    The output has a logit for each class, under softmax, also where there are two classes.
    """
    return LeNet(image_shape, classes, kernel=5, widths=(16, 32, 64), hidden=100)


def lenet_8x8(image_shape: tuple[int, int, int], classes: int) -> LeNet:
    """A LeNet for images as small as scikit-learn's digits."""
    return LeNet(image_shape, classes, kernel=3, widths=(16, 32), hidden=32)


def _halve(images: Tensor) -> Tensor:
    # 3×3 stride-2 pooling to ceil(size / 2): an even size is padded at its far edge only.
    odd = [size % 2 for size in images.shape[-2:]]
    return F.max_pool2d(images, 3, stride=2, padding=odd, ceil_mode=True)
