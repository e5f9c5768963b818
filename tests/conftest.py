"""What many tests share: a real data set, one split of it, and settings of a short run.

A GPU machine that has PyTorch but not the pipeline collects tests too: no pydantic here.
"""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from l2rw.data.corruptions.background_flip import BackgroundFlip
from l2rw.data.corruptions.base import Corruption
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.sources import fetch
from l2rw.data.splits import Split
from l2rw.training.spec import RunSpec, run_spec

# The networks here are too small to gain from threads, and tests may run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples everywhere: a red build means that the change broke something.
settings.register_profile("l2rw", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("fuzz", settings.get_profile("l2rw"), derandomize=False)
settings.load_profile("l2rw")


@pytest.fixture
def hang_up_ends() -> Iterator[None]:
    """SIGHUP does what it does by itself, though the tests may run under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return fetch("digits", None, download=False, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def corruptions() -> dict[str, Corruption]:
    """Of digits: 60, 4 against 9, four in five of them nines; or all, many with wrong labels."""
    sizes = {"classes": 10, "clean_size": 20, "validation_size": 100}
    flips = {**sizes, "noise": 0.4, "authors_code": False}
    return {
        "imbalance": Imbalance(
            minority=4, majority=9, majority_share=0.8, train_size=60, clean_size=6
        ),
        "uniform_flip": UniformFlip(**flips),
        "background_flip": BackgroundFlip(**flips, background_classes=(3, 8)),
    }


@pytest.fixture(scope="session")
def make_split(digits: Dataset, corruptions: dict[str, Corruption]) -> Callable[..., Split]:
    """The split of a seed, by imbalance unless another corruption is named."""

    def make(seed: int, corruption: str = "imbalance") -> Split:
        return corruptions[corruption].split(digits.train_labels, digits.test_labels, seed)

    return make


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., RunSpec]:
    """Settings of a short run; arguments override them."""
    short = {
        "model": "lenet_8x8",
        "steps": 6,
        "batch_size": 8,
        "clean_batch_size": 4,
        "learning_rate": 0.05,
        "decay_at": (),
        "momentum": 0.9,
        "weight_decay": 0.0,
        "crop_padding": 0,
        "mirror": False,
        "precision": "float32",
        "evaluations": 2,
        "optimizer": "sgd",
        "nesterov": False,
        "schedule": "step",
        "initial_weights": "",
    }

    def make(
        method: str = "baseline", *, baselines_see_clean: bool = True, **changes: object
    ) -> RunSpec:
        training = short | changes
        training["decay_at"] = tuple(training["decay_at"])
        return run_spec(method, training, baselines_see_clean=baselines_see_clean)

    return make


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the known numbers anew")
