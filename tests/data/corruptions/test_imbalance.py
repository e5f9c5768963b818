from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.data.datasets.catalog import CATALOG
from l2rw.store.errors import UserError

TRAIN = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 130))
TEST = np.random.default_rng(1).permutation(np.repeat(np.arange(10), np.arange(30, 40)))
DIGITS = CATALOG["digits"]


@st.composite
def imbalances(draw):
    classes = st.integers(0, 9)
    corruption = Imbalance(
        minority=draw(classes),
        majority=draw(classes),
        majority_share=draw(st.floats(0.3, 0.97)),
        train_size=draw(st.integers(20, 130)),
        clean_size=draw(st.sampled_from([2, 4, 6, 10])),
    )
    try:
        corruption.check(DIGITS)
    except UserError:
        assume(False)
    return corruption


seeds = st.integers(0, 1000)


def indices(split, label):
    """Training and clean images of a label together."""
    return {
        int(index)
        for part in (split.train, split.clean)
        for index in part.indices[part.labels == label]
    }


@given(imbalances(), seeds)
def test_sizes_and_shares_are_those_asked_for(corruption, seed):
    split = corruption.split(TRAIN, TEST, seed)
    assert len(split.clean) == corruption.clean_size
    assert len(split.train) == corruption.train_size - corruption.clean_size
    majority = len(indices(split, 1))
    assert abs(majority - corruption.majority_share * corruption.train_size) <= 0.5
    assert len(indices(split, 0)) == corruption.train_size - majority


@given(imbalances(), seeds)
def test_parts_are_disjoint_and_clean_set_and_test_part_balanced(corruption, seed):
    split = corruption.split(TRAIN, TEST, seed)
    assert not set(split.train.indices) & set(split.clean.indices)
    assert len(split.validation) == 0
    for part in (split.clean, split.test):
        assert (part.labels == 0).sum() == (part.labels == 1).sum() > 0
    # As large a balanced test part as there is.
    classes = [corruption.minority, corruption.majority]
    assert len(split.test) == 2 * np.bincount(TEST)[classes].min()


@given(imbalances(), seeds)
def test_labels_are_the_true_classes_and_indices_ascend(corruption, seed):
    split = corruption.split(TRAIN, TEST, seed)
    original = np.array([corruption.minority, corruption.majority])
    for part, labels in ((split.train, TRAIN), (split.clean, TRAIN), (split.test, TEST)):
        assert (np.diff(part.indices) > 0).all()
        assert part.indices[0] >= 0
        assert part.indices[-1] < len(labels)
        assert np.array_equal(original[part.labels], labels[part.indices])
        assert part.label_is_correct.dtype == bool
        assert part.label_is_correct.all()


@given(imbalances(), seeds)
def test_a_seed_gives_the_same_file_again(file_of, corruption, seed):
    one, two = (corruption.split(TRAIN, TEST, seed) for _ in range(2))
    assert file_of(one) == file_of(two)


@given(imbalances(), seeds, seeds)
def test_seeds_differ_in_the_training_set(corruption, seed, other):
    assume(seed != other)
    one, two = (corruption.split(TRAIN, TEST, s) for s in (seed, other))
    assert one.train.indices.tolist() != two.train.indices.tolist()


@given(imbalances(), st.floats(0.3, 0.97), seeds)
def test_a_sweep_of_the_share_changes_only_how_many_images_of_a_class_there_are(
    corruption, share, seed
):
    swept = replace(corruption, majority_share=share)
    assume(swept.minority_size > 5 and swept.majority_size > 5)
    few, many = sorted((corruption, swept), key=lambda c: c.majority_size)
    one, two = (c.split(TRAIN, TEST, seed) for c in (few, many))
    assert one.clean.indices.tolist() == two.clean.indices.tolist()
    assert one.test.indices.tolist() == two.test.indices.tolist()
    assert indices(one, 1) <= indices(two, 1)
    assert indices(one, 0) >= indices(two, 0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"clean_size": 5}, "clean_size"),
        ({"minority": 9}, "same class"),
        ({"majority": 10}, "class 10 is not a class"),
        ({"train_size": 1000}, "train_size"),
        ({"majority_share": 0.97}, "majority_share"),
    ],
)
def test_what_the_data_set_cannot_give_is_refused(change, named):
    possible = Imbalance(minority=4, majority=9, majority_share=0.8, train_size=100, clean_size=6)
    possible.check(DIGITS)
    with pytest.raises(UserError, match=named):
        replace(possible, **change).check(DIGITS)
