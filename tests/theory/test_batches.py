from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from l2rw.store.errors import UserError
from l2rw.theory.batches import BLOCK, Batches

places = st.integers(0, 3 * BLOCK)


def test_a_batch_has_different_examples(simulation):
    drawn = Batches(simulation(batch_size=7), 9, seed=0).take(0, 1000)
    assert drawn.shape == (1000, 3, 7)
    assert (np.diff(np.sort(drawn), axis=-1) > 0).all()
    assert (drawn.min(), drawn.max()) == (0, 8)


def test_every_batch_is_as_likely_as_any_other(simulation):
    drawn = np.sort(Batches(simulation(batch_size=3), 6, seed=0).take(0, 4000)).reshape(-1, 3)
    batches, counts = np.unique(drawn, axis=0, return_counts=True)
    assert batches.tolist() == [list(batch) for batch in combinations(range(6), 3)]
    assert chisquare(counts).pvalue > 1e-3


def test_steps_and_trajectories_are_independent(simulation):
    first = Batches(simulation(batch_size=1), 4, seed=0).take(0, 20_000)[:, :, 0]
    for one, other in ((first[:, 0], first[:, 1]), (first[:-1, 0], first[1:, 0])):
        _, counts = np.unique(4 * one + other, return_counts=True)
        assert len(counts) == 16
        assert chisquare(counts).pvalue > 1e-3


def test_a_batch_of_all_examples_has_all(simulation):
    drawn = Batches(simulation(batch_size=5), 5, seed=0).take(0, 20)
    assert (np.sort(drawn) == np.arange(5)).all()


def test_an_aligned_batch_has_copies_of_one_example_each_as_likely(simulation):
    drawn = Batches(simulation(batch_size=8, aligned=True), 5, seed=0).take(0, 4000)
    assert (drawn == drawn[..., :1]).all()
    assert chisquare(np.bincount(drawn[..., 0].flatten(), minlength=5)).pvalue > 1e-3


@pytest.mark.parametrize("aligned", [False, True])
@given(places, st.integers(1, 2 * BLOCK))
def test_what_is_drawn_does_not_depend_on_where_reading_starts(simulation, aligned, start, count):
    spec = simulation(batch_size=2, aligned=aligned)
    here, there = (Batches(spec, 9, seed=1) for _ in range(2))
    assert np.array_equal(here.take(start, count), there.take(0, start + count)[start:])


def test_nor_on_how_many_trajectories_there_are(simulation):
    few, many = (Batches(simulation(trajectories=n), 9, seed=1).take(BLOCK - 2, 5) for n in (2, 6))
    assert np.array_equal(few, many[:, :2])
    assert not np.array_equal(many[:, 0], many[:, 1])


def test_seeds_differ(simulation):
    one, other = (Batches(simulation(), 9, seed).take(0, 5) for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_more_different_examples_than_there_are_cannot_be_drawn(simulation):
    with pytest.raises(UserError, match="aligned"):
        Batches(simulation(batch_size=6), 5, seed=0)
