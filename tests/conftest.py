"""What many tests share: a real data set, one split of it, and settings of a short run."""

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from l2rw.config import Training
from l2rw.data.corruptions import Imbalance
from l2rw.data.sources import Dataset, fetch
from l2rw.data.splits import Split
from l2rw.plan import run_spec
from l2rw.training.spec import RunSpec

# The networks here are too small to gain from threads, and tests may run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples everywhere: a red build means that the change broke something.
settings.register_profile("l2rw", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("l2rw")


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return fetch("digits", None, download=False, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def make_split(digits: Dataset) -> Callable[[int], Split]:
    """The split of a seed: 60 digits, 4 against 9, four in five of them nines."""
    corruption = Imbalance(minority=4, majority=9, majority_share=0.8, train_size=60, clean_size=6)
    return lambda seed: corruption.split(digits.train_labels, digits.test_labels, seed)


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., RunSpec]:
    """Settings of a short run; arguments override them."""
    short = {
        "model": "lenet_8x8",
        "steps": 6,
        "batch_size": 8,
        "clean_batch_size": 4,
        "learning_rate": 0.05,
        "evaluations": 2,
    }

    def make(
        method: str = "baseline", *, baselines_see_clean: bool = True, **changes: object
    ) -> RunSpec:
        training = Training.model_validate(short | changes)
        return run_spec(method, training, baselines_see_clean=baselines_see_clean)

    return make
