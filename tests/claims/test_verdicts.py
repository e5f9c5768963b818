import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.claims.made_up import accuracies, simulated, timings, without_results

from l2rw.claims.claims import parse_claims
from l2rw.claims.verdicts import confidence, judge

BEST = {
    "test": "accuracy_difference",
    "experiment": "figure2",
    "row": "l2rw",
    "minus": "others",
    "above": 0,
}
NOISE = [0.1, -0.1, 0.0]


def claim(*parts, name="claim", **more):
    about = {"id": name, "title": "A claim", "where": "Here", "says": "So it is."}
    (parsed,) = parse_claims([about | {"parts": list(parts) or [BEST]} | more])
    return parsed


def figure2(*leads, noise=NOISE, shares=(0.9,)):
    """Return a table in which L2RW leads two other methods by as many points, give or take."""
    percent = {}
    for share in shares:
        percent[share, "l2rw"] = [90.0 + 3 * seed for seed in range(len(noise))]
        for row, lead in zip(("baseline", "random"), leads, strict=True):
            theirs = zip(percent[share, "l2rw"], noise, strict=True)
            percent[share, row] = [ours - lead - n for ours, n in theirs]
    return accuracies("majority_share", percent)


def judged(one, paper=None, **tables):
    planned = {name: without_results(table) for name, table in tables.items()}
    (verdict,) = judge([one], tables, paper or planned)
    return verdict


@pytest.mark.parametrize(
    ("leads", "noise", "verdict", "outcomes"),
    [
        ((5, 3), NOISE, "reproduced", ["holds", "holds"]),
        ((5, -3), NOISE, "partly", ["holds", "fails"]),
        ((5, 0.01), NOISE, "partly", ["holds", "undecided"]),
        ((0.01, 0.02), NOISE, "undecided", ["undecided", "undecided"]),
        ((-0.01, 0.02), NOISE, "undecided", ["undecided", "undecided"]),
        ((0.01, -3), NOISE, "not reproduced", ["undecided", "fails"]),
        ((-5, -3), NOISE, "not reproduced", ["fails", "fails"]),
        # Seeds that differ much decide little.
        ((5, 3), [9.0, -9.0, 0.0], "undecided", ["undecided", "undecided"]),
        # Seeds that agree to the last image do not tell how seeds differ.
        ((5, -3), [0.0, 0.0, 0.0], "undecided", ["undecided", "undecided"]),
    ],
)
def test_each_verdict(leads, noise, verdict, outcomes):
    one = judged(claim(), figure2=figure2(*leads, noise=noise))
    assert one.verdict == verdict
    assert [finding.outcome for finding in one.findings] == outcomes
    assert [finding.effect for finding in one.findings] == pytest.approx(list(leads))
    assert one.missing is None


def test_a_claim_without_results_is_not_tested_and_says_what_lacks():
    one = judged(claim(BEST | {"at": 0.98}), figure2=figure2(5, 3))
    assert (one.verdict, one.scale, list(one.findings)) == ("not tested", None, [])
    assert one.missing == "figure2 with majority share 0.98"
    both = claim(BEST, {"test": "drop_after_decay", "row": "l2rw", "below": 1})
    assert judged(both, figure2=figure2(5, 3)).missing == "figure7"


@pytest.mark.parametrize("leads", [(50, 30), (-50, -30)])
def test_a_single_seed_tests_nothing_however_large_the_effect(leads):
    one = judged(claim(), figure2=figure2(*leads, noise=[0.0]))
    assert (one.verdict, one.missing) == ("not tested", "figure2 with a second seed")


def test_intervals_are_paired_and_corrected_for_the_claims_that_are_tested():
    noise = [0.5, -0.3, 0.1, 0.2]
    table = figure2(2, 3, noise=noise)
    tested = [claim(name=name) for name in ("a", "b", "c")]
    untested = claim({"test": "drop_after_decay", "row": "l2rw", "below": 1}, name="d")
    first, *_, last = judge([*tested, untested], {"figure2": table}, {"figure2": table})[:3]
    assert first.findings == last.findings
    for lead, finding in zip((2, 3), first.findings, strict=True):
        low, high = stats.ttest_1samp(np.add(noise, lead), 0).confidence_interval(1 - 0.05 / 3)
        assert (finding.low, finding.high) == pytest.approx((low, high))
        assert finding.seeds == 4
    assert confidence(3) == pytest.approx(1 - 0.05 / 3)
    assert confidence(0) == confidence(1) == 0.95


def test_the_weakest_finding_is_one_that_fails_or_else_the_least_deep():
    weakest = judged(claim(), figure2=figure2(5, 3)).weakest
    assert weakest.comparison.name == "L2RW - Random, majority share 0.9"
    wide = {"above": -100}
    fails = {
        "test": "accuracy_difference",
        "experiment": "figure2",
        "row": "l2rw",
        "minus": "random",
        "above": 3.5,
    }
    one = judged(claim(BEST | wide, fails), figure2=figure2(1, 3))
    assert one.weakest.outcome == "fails"
    assert one.weakest.part.above == 3.5


class TestScale:
    SHARES = (0.9, 0.95)

    def scale(self, table, of_paper, *parts):
        return judged(claim(*parts), {"figure2": without_results(of_paper)}, figure2=table).scale

    def test_is_the_papers_if_every_cell_is_whatever_the_seeds(self):
        table = figure2(5, 3, shares=self.SHARES)
        assert self.scale(table, table) == "the paper's"
        assert self.scale(table[table["seed"] < 2], table) == "the paper's"

    def test_is_a_part_if_a_place_or_a_row_lacks(self):
        table = figure2(5, 3, shares=self.SHARES)
        for some in (table["majority_share"] == 0.9, table["row"] != "random"):
            assert self.scale(table[some], table) == "part of the paper's"

    def test_is_the_demos_if_a_single_cell_is_another(self):
        table = figure2(5, 3, shares=self.SHARES)
        other = table.assign(cell=table["cell"].where(table["cell"] != "split-0.9/random", "other"))
        assert self.scale(other, table) == "another"

    def test_is_the_demos_if_the_extremes_of_the_sweep_are_others(self):
        """All cells are the paper's, but the claim is about the ends of the paper's sweep."""
        table = figure2(5, 3, shares=(0.9, 0.95, 0.99))
        loss = {"test": "accuracy_drop", "experiment": "figure2", "row": "l2rw", "above": 0}
        loss |= {"start": "smallest", "end": "largest"}
        assert self.scale(table, table, loss) == "the paper's"
        assert self.scale(table[table["majority_share"] < 0.99], table, loss) == "another"

    def test_of_timings_is_that_of_the_networks(self):
        part = {"test": "slowdown", "way": "three passes", "over": "SGD", "below": 4}
        ms = {"SGD": [1.0] * 6, "three passes": [3.0] * 6}
        small, large = timings(ms, "lenet_8x8"), timings(ms, "lenet")
        for table, scale in ((small, "another"), (large, "the paper's")):
            one = judge([claim(part)], {"bench": table}, {"bench": large})
            assert [(j.verdict, j.scale) for j in one] == [("reproduced", scale)]

    def test_is_none_where_no_data_are_needed(self):
        counterexample = simulated(growths=0, failed=0).assign(
            start_loss=0.5, loss_as_printed=2.5, loss=0.5
        )
        part = {"test": "growths", "steps": "counterexample as printed", "exactly": 0}
        (one,) = judge([claim(part)], {"lemma1": counterexample}, {"lemma1": counterexample})
        assert (one.verdict, one.scale) == ("not reproduced", "no data")


def test_one_failing_part_refutes_a_theorem():
    table = simulated(growths=[0, 3, 7, 9], failed=0)
    part = {"test": "growths", "steps": "as corrected", "exactly": 0}
    for theorem, verdict in ((True, "not reproduced"), (False, "partly")):
        (one,) = judge([claim(part, theorem=theorem)], {"lemma1": table}, {"lemma1": table})
        assert [finding.outcome for finding in one.findings] == ["holds", "fails"]
        assert one.verdict == verdict


VALUES = st.lists(st.floats(-20, 20).map(lambda x: round(x, 3)), min_size=2, max_size=6).filter(
    lambda values: len(set(values)) > 1
)


@given(VALUES, st.floats(-5, 5), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(noise, lead, random):
    table = figure2(lead, 2, noise=noise)
    order = list(range(len(table)))
    random.shuffle(order)
    one, two = (judged(claim(), figure2=t) for t in (table, table.iloc[order]))

    def by_name(verdict):
        return {finding.comparison.name: finding[2:5] for finding in verdict.findings}

    assert by_name(one).keys() == by_name(two).keys()
    for name, numbers in by_name(one).items():
        assert numbers == pytest.approx(by_name(two)[name], abs=1e-9)
    if all(abs(f.low) > 1e-6 < abs(f.high) for f in one.findings):
        assert one.verdict == two.verdict


@given(VALUES, st.floats(-5, 5))
def test_turned_round_what_held_fails(noise, lead):
    """L2RW above the Baseline is the Baseline below L2RW; at 0 both fail."""
    table = figure2(lead, 2, noise=noise)
    ours = BEST | {"minus": "baseline"}
    theirs = ours | {"row": "baseline", "minus": "l2rw"}
    (forth,), (back,) = (judged(claim(part), figure2=table).findings for part in (ours, theirs))
    assert forth.effect == pytest.approx(-back.effect, abs=1e-9)
    turned = {"holds": "fails", "fails": "holds", "undecided": "undecided"}
    if min(abs(forth.low), abs(forth.high)) > 1e-6:
        assert back.outcome == turned[forth.outcome]


@given(VALUES, st.floats(0.1, 30))
def test_a_larger_lead_never_makes_a_verdict_worse(noise, more):
    order = ["not reproduced", "undecided", "partly", "reproduced"]
    less, greater = (judged(claim(), figure2=figure2(x, x, noise=noise)) for x in (1, 1 + more))
    assert order.index(greater.verdict) >= order.index(less.verdict)


@given(VALUES)
def test_more_claims_make_intervals_wider(noise):
    table = {"figure2": figure2(1, 2, noise=noise)}
    alone = judge([claim()], table, table)[0].findings
    among = judge([claim(name=name) for name in "abcde"], table, table)[0].findings
    for one, other in zip(alone, among, strict=True):
        assert other.low <= one.low <= one.high <= other.high
