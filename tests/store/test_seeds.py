import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.store.seeds import format_seeds, parse_seeds


@given(st.integers(0, 1000), st.integers(1, 50))
def test_ranges_of_seeds_are_read_as_they_were_written(first, count):
    seeds = range(first, first + count)
    assert parse_seeds(format_seeds(seeds)) == seeds


def test_a_range_stands_in_paths_as_its_ends():
    assert (format_seeds(range(3, 4)), format_seeds(range(5))) == ("3", "0-4")


@pytest.mark.parametrize("text", ["", "a", "-1", "1-a", "0-1-2", "1.5", "5-2", "0-"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_seeds(text)
