import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.data.splits import Part
from l2rw.data.streams import BalancedStream, Stream

seeds = st.integers(0, 100)
places = st.integers(0, 60)
labels = st.lists(st.integers(0, 3), min_size=1, max_size=20).map(np.array)
image_sets = st.sets(st.integers(0, 30), min_size=1, max_size=20).map(sorted).map(np.array)


def part(labels, images=None):
    """Images 7, 17, 27, ... unless told otherwise, under these labels."""
    images = np.arange(len(labels)) * 10 + 7 if images is None else images
    return Part(images, labels, np.ones(len(labels), dtype=bool))


@given(st.integers(1, 12), seeds, places, places)
def test_what_lies_at_a_place_does_not_depend_on_where_reading_starts(n, seed, start, count):
    def stream():
        return Stream(np.arange(n) * 10, "batch", seed)

    assert np.array_equal(stream().take(start, count), stream().take(0, start + count)[start:])


@given(labels, seeds, places, places)
def test_nor_does_it_in_a_balanced_stream(labels, seed, start, count):
    def stream():
        return BalancedStream(part(labels), "batch", seed)

    assert np.array_equal(stream().take(start, count), stream().take(0, start + count)[start:])


@given(image_sets, seeds, st.integers(0, 20))
def test_every_pass_is_a_permutation_of_the_positions(images, seed, number):
    n = len(images)
    one_pass = Stream(images, "batch", seed).take(number * n, n)
    assert sorted(one_pass) == list(range(n))


def test_every_permutation_is_as_likely_as_any_other():
    passes = Stream(np.array([3, 250, 7, 12]), "batch", 0).take(0, 4 * 4800).reshape(-1, 4)
    permutations, counts = np.unique(passes, axis=0, return_counts=True)
    assert len(permutations) == 24
    # Chi-square of 23 degrees of freedom: above 50 once in a thousand.
    assert ((counts - 200) ** 2 / 200).sum() < 50


@given(image_sets, image_sets, seeds, st.integers(0, 20))
def test_parts_see_the_images_they_share_in_the_same_order(ours, theirs, seed, number):
    shared = np.intersect1d(ours, theirs)
    first, second = (
        images[Stream(images, "batch", seed).take(number * len(images), len(images))]
        for images in (ours, theirs)
    )
    assert np.array_equal(first[np.isin(first, shared)], second[np.isin(second, shared)])


def test_so_do_the_classes_of_balanced_streams():
    random = np.random.default_rng(0)
    labels, images = random.integers(0, 3, 60), random.permutation(500)[:60]
    kept = random.random(60) < 0.6

    def first_pass(labels, images, label):
        """Images of a class in the order seen."""
        size = (labels == label).sum()
        drawn = BalancedStream(part(labels, images), "batch", 0).take(0, 3 * size)
        return images[drawn[labels[drawn] == label]]

    for label in range(3):
        of_all = first_pass(labels, images, label)
        of_kept = first_pass(labels[kept], images[kept], label)
        assert np.array_equal(of_all[np.isin(of_all, images[kept])], of_kept)


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
    window = BalancedStream(part(labels), "batch", seed).take(start, rounds * len(classes))
    assert sorted(labels[window]) == sorted(np.repeat(classes, rounds))


@given(labels, seeds, st.integers(1, 3))
def test_every_class_of_a_balanced_stream_runs_through_all_its_examples(labels, seed, passes):
    classes, sizes = np.unique(labels, return_counts=True)
    taken = BalancedStream(part(labels), "batch", seed).take(0, passes * sizes.max() * len(classes))
    for label, size in zip(classes, sizes, strict=True):
        own = taken[labels[taken] == label]
        for number in range(passes):
            one_pass = own[number * size : (number + 1) * size]
            assert sorted(one_pass) == np.flatnonzero(labels == label).tolist()
