import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from l2rw.data.kinds.halves import draw_test

labels = st.lists(st.integers(0, 3), min_size=1, max_size=80).map(
    lambda some: np.array([0, 0, 1, 1, 2, 2, 3, 3, *some])
)
shares = st.floats(0.05, 0.9)
seeds = st.integers(0, 50)


def ids(count):
    return [f"image {number}" for number in range(count)]


@given(labels, shares, seeds)
def test_each_class_gives_its_share_and_keeps_some(labels, share, seed):
    test = draw_test(ids(len(labels)), labels, None, share, seed)
    for label in range(4):
        own = test[labels == label]
        assert 1 <= own.sum() < len(own)
        assert abs(own.sum() - share * len(own)) <= 1


@given(labels, shares, seeds, st.randoms())
def test_order_does_not_matter(labels, share, seed, random):
    names, places = ids(len(labels)), list(range(len(labels)))
    random.shuffle(places)
    test = draw_test(names, labels, None, share, seed)
    shuffled = draw_test([names[p] for p in places], labels[places], None, share, seed)
    assert np.array_equal(test[places], shuffled)


def test_seeds_differ_and_more_examples_move_few():
    labels = np.arange(400) % 4
    one, two = (draw_test(ids(400), labels, None, 0.2, seed) for seed in (0, 1))
    assert (one != two).sum() > 50
    before = draw_test(ids(396), labels[:396], None, 0.2, 0)
    assert (one[:396] != before).sum() <= 4


@given(labels, st.integers(2, 12), seeds)
def test_groups_are_never_torn(labels, size, seed):
    groups = [f"patient {number // size}" for number in range(len(labels))]
    test = draw_test(ids(len(labels)), labels, groups, 0.3, seed)
    for group in set(groups):
        assert len(set(test[np.array(groups) == group])) == 1


def test_groups_meet_shares_nearly_where_they_can():
    random = np.random.default_rng(0)
    labels, groups = random.integers(3, size=900), random.integers(150, size=900).astype(str)
    test = draw_test(ids(900), labels, list(groups), 0.2, 0)
    for label in range(3):
        assert abs(test[labels == label].mean() - 0.2) < 0.04
