"""Training of a few seeds on digits."""

from collections.abc import Callable, Sequence

import pytest
import torch

from l2rw.core.batchnorm import Tensors
from l2rw.core.weights import Parameters
from l2rw.data.corruptions.base import Corruption
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.methods import METHODS
from l2rw.training.engine.loop import Start, Training
from l2rw.training.engine.network import Network, build_network
from l2rw.training.spec import RunSpec

Values = tuple[Parameters, Tensors]


@pytest.fixture
def prepare(
    digits: Dataset, corruptions: dict[str, Corruption], make_split: Callable[..., Split]
) -> Callable[..., Training]:
    """Prepare to train a stack of seeds; where they need parents, any networks will do."""

    def prepare(
        spec: RunSpec,
        *seeds: int,
        corruption: str = "imbalance",
        parents: Sequence[Values | None] | None = None,
        dataset: Dataset = digits,
        compiled: bool = False,
        device: str = "cpu",
        network: type[Network] = Network,
    ) -> Training:
        classes = corruptions[corruption].classes
        built = build_network(spec, digits.info.image_shape, classes, network)
        waits = spec.fine_tunes or METHODS[spec.method].after_baseline
        starts = []
        for place, seed in enumerate(seeds):
            any_network = built.initial_values(seed + 50) if waits else None
            parent = parents[place] if parents else any_network
            starts.append(Start(seed, make_split(seed, corruption), parent))
        place = torch.device(device)
        return Training(spec, built, dataset, classes, starts, place, compiled=compiled)

    return prepare
