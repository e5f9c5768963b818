"""Training of a few seeds on digits."""

from collections.abc import Callable

import pytest
import torch

from l2rw.data.sources import Dataset
from l2rw.data.splits import Split
from l2rw.training.loop import Training
from l2rw.training.spec import RunSpec


@pytest.fixture
def prepare(digits: Dataset, make_split: Callable[[int], Split]) -> Callable[..., Training]:
    """Prepare to train a stack of seeds."""

    def prepare(spec: RunSpec, *seeds: int) -> Training:
        splits = [make_split(seed) for seed in seeds]
        return Training(spec, digits, splits, 2, seeds, torch.device("cpu"))

    return prepare
