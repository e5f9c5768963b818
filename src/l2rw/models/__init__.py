"""The networks, by name. A new one is one file and one line here.

Each is a function of (image shape, number of classes) that returns a
:class:`~l2rw.models.initialisation.Model` mapping images (n, channels, height, width) to logits
(n, classes).
"""

from l2rw.store.registry import Registry

MODELS: Registry = {
    "lenet": "l2rw.models.lenet:lenet",
    "lenet_8x8": "l2rw.models.lenet:lenet_8x8",
    "resnet32": "l2rw.models.resnet:resnet32",
    "resnet8": "l2rw.models.resnet:resnet8",
    "resnet_8x8": "l2rw.models.resnet:resnet_8x8",
    "wrn28_10": "l2rw.models.wide_resnet:wrn28_10",
    "wrn_8x8": "l2rw.models.wide_resnet:wrn_8x8",
}
