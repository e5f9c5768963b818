"""The networks, by name. A new one is one file and one line here.

Each is a function of (image shape, number of classes) that returns a :class:`torch.nn.Module`
mapping images (n, channels, height, width) to logits (n, classes).
"""

from l2rw.registry import Registry

MODELS: Registry = {
    "lenet": "l2rw.models.lenet:lenet",
    "lenet_8x8": "l2rw.models.lenet:lenet_8x8",
}
