"""Every test of a claim, on tables whose effects are known, both ways."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.claims.made_up import accuracies, curves, simulated, timings, weights

from l2rw.claims.accuracy_measures import (
    AccuracyDifference,
    AccuracyDrop,
    DropAfterDecay,
    ZeroWeights,
)
from l2rw.claims.measures import Missing, Region
from l2rw.claims.theory_measures import Bound, Growths
from l2rw.claims.timing_measures import Slowdown


def measured(test, **tables):
    """Return the values of every comparison, by its name."""
    found = test.comparisons(tables)
    values = {one.name: test.measure(one, tables).values.tolist() for one in found}
    return {name: pytest.approx(of) for name, of in values.items()}


def missing(test, **tables):
    with pytest.raises(Missing) as error:
        test.comparisons(tables)
    return str(error.value)


FIGURE2 = accuracies(
    "majority_share",
    {
        (0.9, "l2rw"): [98, 97],
        (0.9, "baseline"): [96, 97],
        (0.9, "random"): [90, 93],
        (0.995, "l2rw"): [96, 95],
        (0.995, "baseline"): [80, 91],
        (0.995, "random"): [97, 99],
    },
)
FIGURE4 = accuracies(
    "clean_size",
    {
        (15, "l2rw"): [80, 82],
        (15, "baseline+ft"): [70, 70],
        (15, "baseline+es+ft"): [72, 60],
        (1000, "l2rw"): [85, 85],
        (1000, "baseline+ft"): [84, 86],
        (1000, "baseline+es+ft"): [90, 70],
    },
)


class TestGap:
    def gap(self, **given):
        return AccuracyDifference(
            test="accuracy_difference",
            **{"experiment": "figure2", "row": "l2rw", "above": 0} | given,
        )

    def test_is_paired_by_seed_with_every_other_row_everywhere(self):
        assert measured(self.gap(minus="others"), figure2=FIGURE2) == {
            "L2RW - Baseline, majority share 0.9": [2, 0],
            "L2RW - Random, majority share 0.9": [8, 4],
            "L2RW - Baseline, majority share 0.995": [16, 4],
            "L2RW - Random, majority share 0.995": [-1, -4],
        }

    @pytest.mark.parametrize(("at", "value"), [("largest", 0.995), ("smallest", 0.9), (0.9, 0.9)])
    def test_may_be_at_one_place(self, at, value):
        (name,) = measured(self.gap(minus="baseline", at=at), figure2=FIGURE2)
        assert name.endswith(f" {value:g}")

    def test_uses_the_seeds_that_both_rows_have(self):
        dropped = (FIGURE2["row"] == "baseline") & (FIGURE2["seed"] == 0)
        values = measured(self.gap(minus="baseline", at=0.995), figure2=FIGURE2[~dropped])
        assert list(values.values()) == [[4]]

    def test_knows_the_fine_tuned_rows_and_the_best_of_them(self):
        at = {"experiment": "figure4", "at": 1000}
        assert measured(self.gap(minus="fine-tuned", **at), figure4=FIGURE4) == {
            "L2RW - Baseline +FT, 1,000 clean images": [1, -1],
            "L2RW - Baseline +ES +FT, 1,000 clean images": [-5, 15],
        }
        best = self.gap(row="best fine-tuned", minus="l2rw", **at)
        assert measured(best, figure4=FIGURE4) == {
            "best fine-tuned - L2RW, 1,000 clean images": [-1, 1]
        }

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"minus": "weighted"}, "figure2, weighted, majority share 0.9"),
            ({"minus": "others", "at": 0.98}, "figure2 with majority share 0.98"),
            ({"minus": "fine-tuned"}, "figure2, fine-tuned, majority share 0.9"),
            ({"minus": "others", "experiment": "figure5"}, "figure5"),
        ],
    )
    def test_says_what_it_lacks(self, given, said):
        assert missing(self.gap(**given), figure2=FIGURE2) == said


class TestLoss:
    def loss(self, **given):
        defaults = {"experiment": "figure2", "start": "smallest", "end": "largest", "above": 0}
        return AccuracyDrop(test="accuracy_drop", **defaults | given)

    def test_is_what_a_row_loses_by_seed(self):
        assert measured(self.loss(row="l2rw"), figure2=FIGURE2) == {
            "L2RW, from majority share 0.9 to majority share 0.995": [2, 2]
        }

    def test_is_compared_with_that_of_another_row(self):
        assert measured(self.loss(row="others", minus="l2rw"), figure2=FIGURE2) == {
            "Baseline - L2RW, from majority share 0.9 to majority share 0.995": [14, 4],
            "Random - L2RW, from majority share 0.9 to majority share 0.995": [-9, -8],
        }

    def test_is_missing_where_nothing_is_swept(self):
        alone = FIGURE2[FIGURE2["majority_share"] == 0.9]
        assert missing(self.loss(row="l2rw"), figure2=alone) == "figure2 beyond majority share 0.9"
        to_itself = self.loss(row="l2rw", start="largest", end=0.995)
        assert missing(to_itself, figure2=FIGURE2) == "figure2 beyond majority share 0.995"

    def test_is_missing_where_a_row_is_not_at_both_ends(self):
        gone = (FIGURE2["row"] == "l2rw") & (FIGURE2["majority_share"] == 0.995)
        for rows in ({"row": "l2rw"}, {"row": "others", "minus": "l2rw"}):
            said = missing(self.loss(**rows), figure2=FIGURE2[~gone])
            assert said == "figure2, l2rw, majority share 0.995"


class TestFade:
    TABLE = curves({"baseline": [[50, 60, 80, 78, 70], [50, 60, 81, 79, 75]]})

    def test_is_from_the_first_evaluation_after_the_decay_to_the_last(self):
        fade = DropAfterDecay(test="drop_after_decay", row="baseline", above=1)
        # In whatever order the lines come.
        for table in (self.TABLE, self.TABLE[::-1]):
            assert measured(fade, figure7=table) == {
                "Baseline, from the first decay to the end": [10, 6]
            }

    def test_says_what_it_lacks(self):
        assert missing(
            DropAfterDecay(test="drop_after_decay", row="l2rw", above=1), figure7=self.TABLE
        ) == ("figure7, l2rw")
        fade = DropAfterDecay(test="drop_after_decay", row="baseline", above=1)
        constant = self.TABLE.assign(learning_rate=0.1)
        (comparison,) = fade.comparisons({"figure7": constant})
        with pytest.raises(Missing, match="after a decay"):
            fade.measure(comparison, {"figure7": constant})


class TestZeroWeights:
    TABLE = weights(
        flipped=[[0, 0, 0, 1], [0, 0, 1, 1]],
        clean=[[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]],
    )

    def test_is_the_share_of_flipped_images_by_seed(self):
        test = ZeroWeights(test="zero_weights", panel="mixed", above=50)
        assert list(measured(test, figure3=self.TABLE).values()) == [[75, 50]]

    def test_is_compared_with_that_of_clean_images(self):
        test = ZeroWeights(test="zero_weights", panel="single class", minus="clean", above=0)
        assert list(measured(test, figure3=self.TABLE).values()) == [[55, 50]]

    def test_needs_images_of_both_kinds(self):
        test = ZeroWeights(test="zero_weights", panel="mixed", above=50)
        table = {"figure3": self.TABLE[self.TABLE["clean"]]}
        (comparison,) = test.comparisons(table)
        with pytest.raises(Missing, match="figure3, images of both kinds"):
            test.measure(comparison, table)


class TestSlowdown:
    TABLE = timings(
        {
            "SGD, contiguous": [5, 5, 50],
            "SGD": [10, 10, 10],
            "three passes": [15, 20, 100],
            "forward mode": [10, 10, 30],
        }
    )

    def slowdown(self, way, over):
        return Slowdown(test="slowdown", way=way, over=over, between=(2, 4))

    def test_is_round_by_round_to_sgd_in_its_faster_format(self):
        assert measured(self.slowdown("three passes", "SGD"), bench=self.TABLE) == {
            "LeNet, three passes / SGD": [3, 4, 2]
        }
        assert measured(self.slowdown("forward mode", "three passes"), bench=self.TABLE) == {
            "LeNet, forward mode / three passes": [10 / 15, 0.5, 0.3]
        }

    def test_needs_both_ways(self):
        test = self.slowdown("double backward", "SGD")
        (comparison,) = test.comparisons({"bench": self.TABLE})
        with pytest.raises(Missing, match="bench, double backward and SGD"):
            test.measure(comparison, {"bench": self.TABLE})


class TestGrowths:
    COUNTEREXAMPLE = pd.DataFrame(
        {
            "batch_size": [2.0, 3.0],
            "start_loss": [0.5, 0.5],
            "loss_as_printed": [2.5, 4.5],
            "loss": [0.5, 0.5 + 1e-16],
            "cell": "split/0",
        }
    )
    TABLE = pd.concat([simulated(growths=[0, 0, 7, 9], failed=[3, 0, 1, 1]), COUNTEREXAMPLE])

    @pytest.mark.parametrize(
        ("steps", "values"),
        [
            ("as corrected", [[0], [0]]),
            ("as printed", [[3], [0]]),
            ("controls", [[7], [9]]),
            ("counterexample as printed", [[2]]),
            ("counterexample as corrected", [[0]]),
        ],
    )
    def test_are_counted(self, steps, values):
        test = Growths(test="growths", steps=steps, exactly=0)
        assert list(measured(test, lemma1=self.TABLE).values()) == values
        for one in test.comparisons({"lemma1": self.TABLE}):
            assert test.measure(one, {"lemma1": self.TABLE}).uncertainty == "nothing"

    def test_of_the_counterexample_need_no_data(self):
        test = Growths(test="growths", steps="counterexample as printed", exactly=0)
        assert [one.cells for one in test.comparisons({"lemma1": self.TABLE})] == [()]


class TestBound:
    TABLE = simulated(
        smallest_ratio=[20.0, 1.5, 0.6, 0.01],
        observed=["below the bound", "undecided", "violated at T = 9", "violated at T = 3"],
    )

    def test_is_its_smallest_ratio_to_what_is_observed(self):
        l2rw, controls = (Bound(test="bound", of=of, above=1) for of in ("l2rw", "controls"))
        assert list(measured(l2rw, theorem2=self.TABLE).values()) == [[20], [1.5]]
        assert list(measured(controls, theorem2=self.TABLE).values()) == [[0.6], [0.01]]

    def test_decides_nothing_where_the_check_did_not(self):
        tables = {"theorem2": self.TABLE}
        l2rw = Bound(test="bound", of="l2rw", above=1)
        by = [l2rw.measure(one, tables).uncertainty for one in l2rw.comparisons(tables)]
        assert by == ["nothing", "unknown"]

    def test_of_nothing_observed_is_infinite(self):
        table = self.TABLE.assign(smallest_ratio=np.nan)
        l2rw = Bound(test="bound", of="l2rw", above=1)
        assert list(measured(l2rw, theorem2=table).values()) == [[np.inf]] * 2


REGIONS = st.one_of(
    st.floats(-9, 9).map(lambda a: Region(above=a)),
    st.floats(-9, 9).map(lambda b: Region(below=b)),
    st.tuples(st.floats(-9, 0), st.floats(1, 9)).map(lambda ends: Region(between=ends)),
    st.floats(-9, 9).map(lambda x: Region(exactly=x)),
)
INTERVALS = st.tuples(st.floats(-20, 20), st.floats(-20, 20)).map(sorted)


class TestRegion:
    @given(REGIONS, INTERVALS)
    def test_never_contains_and_excludes_an_interval(self, region, interval):
        assert not (region.contains(*interval) and region.excludes(*interval))

    @given(REGIONS, st.floats(-20, 20))
    def test_either_contains_or_excludes_a_point_and_knows_how_deep_it_lies(self, region, value):
        assert region.contains(value, value) != region.excludes(value, value)
        assert (region.depth(value) >= 0) >= region.contains(value, value)
        assert (region.depth(value) <= 0) >= region.excludes(value, value)

    @given(REGIONS, INTERVALS, st.floats(0, 1))
    def test_contains_every_part_of_what_it_contains(self, region, interval, share):
        low, high = interval
        within = low + share * (high - low)
        if region.contains(low, high):
            assert region.contains(min(within, high), high)
        if region.excludes(low, high):
            assert region.excludes(min(within, high), high)

    @given(st.floats(-9, 9), INTERVALS)
    def test_turned_round_says_the_same_of_what_is_turned_round(self, end, interval):
        low, high = interval
        above, below = Region(above=end), Region(below=-end)
        assert above.contains(low, high) == below.contains(-high, -low)
        assert above.excludes(low, high) == below.excludes(-high, -low)

    def test_has_open_ends_above_and_below_and_closed_ends_between(self):
        assert Region(above=1).excludes(0, 1)
        assert Region(below=1).excludes(1, 2)
        assert Region(between=(1, 3)).contains(1, 3)
        assert not Region(between=(1, 3)).excludes(3, 4)
        assert Region(exactly=0).contains(0, 0)
        assert Region(above=1).contains(2, np.inf)

    @pytest.mark.parametrize("given", [{}, {"above": 1, "below": 3}, {"between": (3, 1)}])
    def test_is_one(self, given):
        with pytest.raises(ValidationError):
            Region(**given)

    def test_is_told_in_words(self):
        told = [Region(above=-1), Region(below=0.5), Region(between=(1, 3)), Region(exactly=0)]
        assert [one.region for one in told] == [
            *("above -1", "below 0.5", "between 1 and 3", "exactly 0")
        ]
