from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from l2rw.data.corruptions.long_tail import LongTail
from l2rw.data.datasets.catalog import CATALOG
from l2rw.store.errors import UserError

CIFAR10, DIGITS = CATALOG["cifar10"], CATALOG["digits"]
TRAIN = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 5000))
TEST = np.arange(20) % 10


def test_sizes_are_those_of_the_literature():
    """Of 5,000 images, imbalance 100: Cui et al. 2019, as their code prints them."""
    tail = LongTail(classes=10, imbalance=100, clean_size=10, validation_size=0)
    split = tail.split(TRAIN, TEST, 0)
    sizes = np.bincount(split.train.labels)
    published = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert np.abs(sizes - published).max() <= 1
    assert np.bincount(split.clean.labels).tolist() == [1] * 10


seeds = st.integers(0, 1000)


@given(st.floats(1, 200), st.floats(1, 200), st.integers(1, 200), st.integers(0, 500), seeds)
def test_a_heavier_tail_lies_within_a_lighter_one(one, other, clean, validation, seed):
    light, heavy = (
        LongTail(classes=10, imbalance=i, clean_size=clean, validation_size=validation)
        for i in sorted((one, other))
    )
    parts = [tail.split(TRAIN, TEST, seed) for tail in (light, heavy)]
    assert set(parts[1].train.indices) <= set(parts[0].train.indices)
    assert np.array_equal(parts[0].clean.indices, parts[1].clean.indices)
    for split in parts:
        taken = [split.train.indices, split.clean.indices, split.validation.indices]
        everything = np.concatenate(taken)
        assert len(np.unique(everything)) == len(everything)
        assert all(part.label_is_correct.all() for part in vars(split).values())
        assert np.array_equal(TRAIN[split.train.indices], split.train.labels)


@given(st.floats(1, 60), st.integers(1, 300), st.integers(0, 200), seeds)
def test_what_is_admitted_leaves_some_of_each_class(imbalance, clean, validation, seed):
    tail = LongTail(10, imbalance, clean, validation)
    try:
        tail.check(DIGITS)
    except UserError:
        assume(False)
    labels = np.repeat(np.arange(10), DIGITS.train_class_sizes)
    sizes = np.bincount(tail.split(labels, TEST, seed).train.labels, minlength=10)
    assert (sizes > 0).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"imbalance": 0.5}, "makes no long tail"),
        ({"imbalance": 6000.0}, "may leave no example of class 9 of cifar10"),
        ({"clean_size": 0}, "A clean set cannot have 0"),
        ({"clean_size": 50_000}, "leave none"),
    ],
)
def test_what_the_data_set_cannot_give_is_refused(changes, said):
    with pytest.raises(UserError, match=said):
        replace(LongTail(10, 100.0, 100, 0), **changes).check(CIFAR10)
