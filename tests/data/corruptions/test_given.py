from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.data.corruptions.given import Given
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.data.datasets.facts import Facts
from l2rw.data.splits import DatasetLabels, Split
from l2rw.store.errors import UserError

N, CLASSES = 300, 3
NOTHING = np.array([], dtype=np.int64)
RANDOM = np.random.default_rng(0)
TRUE = RANDOM.integers(CLASSES, size=N)
GIVEN = np.where(RANDOM.random(N) < 0.3, (TRUE + 1) % CLASSES, TRUE)
TEST = np.arange(30) % CLASSES
FACTS = Facts(
    name="mine",
    image_shape=(1, 8, 8),
    train_class_sizes=tuple(np.bincount(TRUE).tolist()),
    pixel_range=(-1, 1),
    sha256={},
    truth_is_known=False,
    clean_class_sizes=(4, 4, 4),
)


def labels(*, clean=NOTHING, groups=NOTHING, known=True, trusted=True):
    truth = np.full(N, known)
    truth[clean] = True
    train = np.where(truth, TRUE, GIVEN)
    return DatasetLabels(train, TEST, GIVEN, truth, clean, groups, trusted)


LISTED = np.concatenate([np.flatnonzero(label == TRUE)[:4] for label in range(CLASSES)])
seeds = st.integers(0, 100)


@given(st.integers(3, 60), st.integers(0, 60), seeds)
def test_given_labels_are_left_alone_and_the_clean_set_has_true_ones(clean, validation, seed):
    split = Given(CLASSES, clean, validation).draw(labels(), seed)
    for part in (split.train, split.validation):
        assert np.array_equal(part.labels, GIVEN[part.indices])
        assert np.array_equal(part.label_is_correct, (GIVEN == TRUE)[part.indices])
    assert np.array_equal(split.clean.labels, TRUE[split.clean.indices])
    sizes = np.bincount(split.clean.labels, minlength=CLASSES)
    assert sizes.max() - sizes.min() <= 1
    assert (len(split.clean), len(split.validation)) == (clean, validation)
    everything = [part.indices for part in (split.train, split.clean, split.validation)]
    assert sorted(np.concatenate(everything)) == list(range(N))


@given(st.integers(0, 12), st.integers(0, 60), seeds)
def test_the_list_is_the_clean_set_or_holds_it(size, validation, seed):
    split = Given(CLASSES, size, validation).draw(labels(clean=LISTED, known=False), seed)
    assert len(split.clean) == size or size == 0
    assert set(split.clean.indices) <= set(LISTED)
    if size == 0:
        assert set(split.clean.indices) == set(LISTED)
    assert split.clean.truth_is_known.all()
    # What is listed and not taken is no suspect either: it stays out of both.
    assert not set(split.train.indices) & set(LISTED)
    assert not split.train.truth_is_known.any()
    assert not split.train.surely_wrong.any()


def test_no_group_is_torn_apart_and_those_of_clean_examples_are_not_for_validation():
    groups = np.arange(N) // 5
    split = Given(CLASSES, 0, 50).draw(labels(clean=LISTED, groups=groups, known=False), 0)
    assert 40 < len(split.validation) <= 50
    assert not set(groups[split.validation.indices]) & set(groups[split.train.indices])
    assert not set(groups[split.validation.indices]) & set(groups[LISTED])


def test_what_is_known_survives_the_file(tmp_path):
    split = Given(CLASSES, 0, 50).draw(labels(clean=LISTED, known=False, trusted=False), 0)
    split.save(tmp_path / "split.npz")
    read = Split.load(tmp_path / "split.npz")
    for name, part in vars(split).items():
        known = getattr(read, name).truth_is_known
        assert np.array_equal(part.truth_is_known, known)
        assert known.dtype == bool
    assert not read.test.truth_is_known.any()


@pytest.mark.parametrize(
    ("facts", "clean_size", "said"),
    [
        ({"clean_class_sizes": (4, 4, 1)}, 6, "takes 2 of each class, but .* lists 1 of 2"),
        ({"clean_class_sizes": ()}, 10, "no clean set: nobody knows .* Hint: name a list"),
        ({}, 13, "A clean set of 13 is requested, but .*clean lists 12"),
        ({"truth_is_known": True, "clean_class_sizes": ()}, 0, "A clean set cannot have 0"),
        ({"train_class_sizes": (6, 6, 6)}, 0, "leave none"),
    ],
)
def test_what_the_data_set_cannot_give_is_refused(facts, clean_size, said):
    with pytest.raises(UserError, match=said):
        Given(CLASSES, clean_size, 10).check(replace(FACTS, **facts))


def test_corruptions_that_make_labels_wrong_need_right_ones():
    flip = UniformFlip(CLASSES, 0.4, 6, 0, authors_code=False)
    with pytest.raises(UserError, match=r"nobody knows which labels of mine .* Hint: set .*right"):
        flip.check(FACTS)
    with pytest.raises(UserError, match="cannot use the list"):
        flip.check(replace(FACTS, truth_is_known=True))
    flip.check(replace(FACTS, truth_is_known=True, clean_class_sizes=()))
