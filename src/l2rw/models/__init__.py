"""The networks. A new one is one file and one record here, or in a package of your own.

Each is a function of (shape of an example, number of classes) that returns a
:class:`~l2rw.models.initialisation.Model` mapping images (n, channels, height, width) to logits
(n, classes), or rows of a table (n, features).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from l2rw.store.records import Record, Records

COSTS = files("l2rw.models") / "costs.csv"
"""Written by ``l2rw costs``: operations are counted, memory is measured on a CPU."""


class Cost(NamedTuple):
    """What a step costs for each example, in floating-point operations, and in memory."""

    sgd: float
    """For a training example of SGD."""
    reweighted: float
    """For a training example of L2RW, by the algorithm that training uses."""
    clean: float
    """For a clean example of L2RW."""
    mib: float
    """Most that a step of L2RW takes for each of its examples, training and clean, in MiB."""


@dataclass(frozen=True, kw_only=True)
class NetworkRecord(Record):
    """What planning, timing, tables and figures need to know of a network.

    Its implementation is the function that builds it.
    """

    timed_on: str
    """The data set whose images it is timed on, and for which its cost holds."""
    takes_tables: bool = False
    """Whether its examples may be rows of features, which have no height and width."""
    clean_batch_size: int = 100
    """Clean examples of a step of L2RW when it is timed, unless told otherwise."""
    shrinks_from: tuple[tuple[int, int], ...] = ()
    """Sides, in pixels, from which on the first layers divide the sides of images by how much more
    than for the images it is timed on, ascending."""
    measured_cost: Cost | None = None
    """As ``l2rw costs NAME`` prints it; None for the package's own, which costs.csv holds."""

    @property
    def cost(self) -> Cost:
        """What a step costs."""
        return self.measured_cost or _costs()[self.name]


@cache
def _costs() -> dict[str, Cost]:
    _, *lines = COSTS.read_text(encoding="utf-8").splitlines()
    cells = (line.split(",") for line in lines)
    return {model: Cost(*map(float, numbers)) for model, *numbers in cells}


MODELS = Records(
    NetworkRecord,
    [
        NetworkRecord(
            name="lenet",
            label="LeNet",
            implementation="l2rw.models.lenet:lenet",
            timed_on="mnist",
            clean_batch_size=10,
        ),
        NetworkRecord(
            name="lenet_8x8",
            label="LeNet 8×8",
            implementation="l2rw.models.lenet:lenet_8x8",
            timed_on="digits",
            clean_batch_size=10,
        ),
        NetworkRecord(
            name="mlp",
            label="MLP",
            implementation="l2rw.models.mlp:mlp",
            timed_on="digits",
            takes_tables=True,
            clean_batch_size=10,
        ),
        NetworkRecord(
            name="resnet32",
            label="ResNet-32",
            implementation="l2rw.models.resnet:resnet32",
            timed_on="cifar10",
        ),
        NetworkRecord(
            name="resnet8",
            label="ResNet-8",
            implementation="l2rw.models.resnet:resnet8",
            timed_on="cifar10",
        ),
        NetworkRecord(
            name="resnet_8x8",
            label="ResNet 8×8",
            implementation="l2rw.models.resnet:resnet_8x8",
            timed_on="digits",
        ),
        NetworkRecord(
            name="resnet18",
            label="ResNet-18",
            implementation="l2rw.models.torchvision_resnet:resnet18",
            timed_on="cifar10",
            shrinks_from=((48, 2), (128, 4)),
        ),
        NetworkRecord(
            name="resnet50",
            label="ResNet-50",
            implementation="l2rw.models.torchvision_resnet:resnet50",
            timed_on="cifar10",
            shrinks_from=((48, 2), (128, 4)),
        ),
        NetworkRecord(
            name="wrn28_10",
            label="WRN-28-10",
            implementation="l2rw.models.wide_resnet:wrn28_10",
            timed_on="cifar10",
        ),
        NetworkRecord(
            name="wrn_8x8",
            label="WRN 8×8",
            implementation="l2rw.models.wide_resnet:wrn_8x8",
            timed_on="digits",
        ),
    ],
)
