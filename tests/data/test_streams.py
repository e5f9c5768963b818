import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.data.streams import BalancedStream, Stream

seeds = st.integers(0, 100)
places = st.integers(0, 60)
labels = st.lists(st.integers(0, 3), min_size=1, max_size=20).map(np.array)


@given(st.integers(1, 12), seeds, places, places)
def test_what_lies_at_a_place_does_not_depend_on_where_reading_starts(n, seed, start, count):
    def stream():
        return Stream(np.arange(n) * 10, "batch", seed)

    assert np.array_equal(stream().take(start, count), stream().take(0, start + count)[start:])


@given(labels, seeds, places, places)
def test_nor_does_it_in_a_balanced_stream(labels, seed, start, count):
    def stream():
        return BalancedStream(labels, "batch", seed)

    assert np.array_equal(stream().take(start, count), stream().take(0, start + count)[start:])


@given(st.integers(1, 12), seeds, st.integers(0, 20))
def test_every_pass_is_a_permutation_of_the_items(n, seed, number):
    items = np.arange(n) * 10 + 3
    one_pass = Stream(items, "batch", seed).take(number * n, n)
    assert sorted(one_pass) == items.tolist()


def test_passes_seeds_axes_and_lanes_differ_in_order():
    items = np.arange(50)
    orders = [
        Stream(items, "batch", 0).take(0, 50),
        Stream(items, "batch", 0).take(50, 50),
        Stream(items, "batch", 1).take(0, 50),
        Stream(items, "clean batch", 0).take(0, 50),
        Stream(items, "batch", 0, lane=1).take(0, 50),
    ]
    assert len({tuple(order) for order in orders}) == len(orders)


def test_a_stream_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Stream(np.array([], dtype=np.int64), "batch", 0)


@given(labels, seeds, places, st.integers(1, 5))
def test_every_window_of_a_balanced_stream_holds_every_class_equally_often(
    labels, seed, start, rounds
):
    classes = np.unique(labels)
    window = BalancedStream(labels, "batch", seed).take(start, rounds * len(classes))
    assert sorted(labels[window]) == sorted(np.repeat(classes, rounds))


@given(labels, seeds, st.integers(1, 3))
def test_every_class_of_a_balanced_stream_runs_through_all_its_examples(labels, seed, passes):
    classes, sizes = np.unique(labels, return_counts=True)
    taken = BalancedStream(labels, "batch", seed).take(0, passes * sizes.max() * len(classes))
    for label, size in zip(classes, sizes, strict=True):
        own = taken[labels[taken] == label]
        for number in range(passes):
            one_pass = own[number * size : (number + 1) * size]
            assert sorted(one_pass) == np.flatnonzero(labels == label).tolist()
