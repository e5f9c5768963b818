"""Small problems whose theory can be checked in seconds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Part, Split
from l2rw.theory.problems import Problem, huber_problem, linear_problem
from l2rw.theory.spec import SimulationSpec


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """More would only get in each other's way: the tensors are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def split(digits: Dataset) -> Split:
    """Of 20 digits, 4 against 9: 16 nines, and a clean set of three of each."""
    imbalance = Imbalance(minority=4, majority=9, majority_share=0.8, train_size=20, clean_size=6)
    return imbalance.split(digits.train_labels, digits.test_labels, seed=0)


@pytest.fixture(scope="session")
def noisy_split(digits: Dataset) -> Split:
    """Of 60 digits of ten classes: a clean set of 20, and 40 of which half have wrong labels."""
    flip = UniformFlip(
        classes=10, noise=0.5, clean_size=20, validation_size=1292, authors_code=False
    )
    return flip.split(digits.train_labels, digits.test_labels, seed=0)


@pytest.fixture(scope="session")
def contradicted_split(split: Split) -> Split:
    """Training images are the clean ones, five times each, all of them with the wrong label."""
    clean = split.clean
    indices, wrong = np.tile(clean.indices, 5), np.tile(1 - clean.labels, 5)
    return replace(split, train=Part(indices, wrong, np.zeros(len(wrong), dtype=bool)))


@pytest.fixture(scope="session")
def logistic(digits: Dataset, split: Split) -> Problem:
    return linear_problem("logistic", digits, split)


@pytest.fixture(scope="session")
def softmax(digits: Dataset, noisy_split: Split) -> Problem:
    return linear_problem("softmax", digits, noisy_split)


@pytest.fixture(scope="session")
def contradicted(digits: Dataset, contradicted_split: Split) -> Problem:
    return linear_problem("logistic", digits, contradicted_split)


@pytest.fixture(scope="session")
def huber() -> Problem:
    return huber_problem()


@pytest.fixture(scope="session")
def problems(logistic: Problem, softmax: Problem, huber: Problem) -> dict[str, Problem]:
    return {"logistic": logistic, "softmax": softmax, "huber": huber}


@pytest.fixture(scope="session")
def simulation() -> Callable[..., SimulationSpec]:
    """Settings of a short simulation; arguments override them."""
    short = SimulationSpec(
        model="logistic",
        weighting="l2rw",
        limit_fraction=0.5,
        batch_size=4,
        steps=50,
        trajectories=3,
        aligned=False,
    )

    def make(**changes: object) -> SimulationSpec:
        if changes.get("model") == "huber":
            changes = {"aligned": True, **changes}
        return replace(short, **changes)  # type: ignore[arg-type]

    return make
