"""What the page says of a user's own data: intervals by simulation, and honest sentences."""

import numpy as np
import pytest

from l2rw.data.datasets.facts import Facts
from l2rw.page.own import Row, gain, verdict

FACTS = Facts(
    name="mine",
    image_shape=(1, 8, 8),
    train_class_sizes=(50, 50),
    pixel_range=(-1, 1),
    sha256={},
    class_names=("<b>", "b"),
    test_is_trusted=True,
)


def row(name, *rights, sizes=(100, 100)):
    """A row that gets so many of each class right, seed by seed."""
    confusions = [[[right, sizes[0] - right], [sizes[1] - other, other]] for right, other in rights]
    return Row(name, np.array(confusions, dtype=float))


def test_accuracies_and_recalls():
    one = row("l2rw", (90, 5), (80, 9), sizes=(100, 10))
    assert one.scores(balanced=False) == pytest.approx([95 / 110, 89 / 110])
    assert one.scores(balanced=True) == pytest.approx([0.7, 0.85])
    assert one.recalls == pytest.approx(np.array([[0.9, 0.5], [0.8, 0.9]]))


@pytest.mark.parametrize("balanced", [False, True])
def test_intervals_of_a_seed_cover_the_truth_as_often_as_they_say(balanced):
    random, truth, sizes = np.random.default_rng(0), np.array([0.9, 0.7]), np.array([300, 60])
    wanted = truth.mean() if balanced else (truth * sizes).sum() / sizes.sum()
    rights = random.binomial(sizes, truth, size=(2000, 2))
    estimates = [
        row("l2rw", tuple(r), sizes=tuple(sizes)).estimate(balanced=balanced) for r in rights
    ]
    covered = [abs(e.mean - 100 * wanted) <= e.half_width for e in estimates]
    assert 0.92 < np.mean(covered) < 0.98


def test_the_test_part_widens_an_interval_that_seeds_leave_at_nothing():
    same = row("l2rw", (90, 90), (90, 90), (90, 90))
    estimate = same.estimate(balanced=False)
    assert estimate.mean == pytest.approx(90)
    assert estimate.half_width == pytest.approx(196 * np.sqrt(0.9 * 0.1 / 200), rel=1e-3)


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_a_difference_covers_nothing_when_there_is_none(shared):
    """However many errors two methods share, their interval excludes 0 at most one time in 20."""
    random, m, p = np.random.default_rng(1), 400, 0.8
    excluded = 0
    for _ in range(400):
        first = random.random(m) < p
        fresh = random.random(m) < p
        second = np.where(random.random(m) < shared, first, fresh)
        rows = [
            row(name, (right[:200].sum(), right[200:].sum()), sizes=(200, 200))
            for name, right in (("l2rw", first), ("baseline", second))
        ]
        found = gain(*rows, balanced=False)
        excluded += abs(found.mean) > found.half_width
    assert excluded <= 0.05 * 400 + 10


def test_a_verdict_where_labels_are_trusted_alone():
    good, bad = row("l2rw", (95, 95), (96, 95)), row("baseline", (70, 70), (70, 71))
    gce = row("gce", (90, 90), (90, 90))
    told = verdict([bad, good, gce], FACTS, balanced=False)
    assert told.startswith("Reweighting helped: L2RW has 95.25 ±")
    assert "the best other method, GCE, has 90.00 ±" in told
    swapped = [Row("baseline", good.confusions), Row("l2rw", bad.confusions)]
    assert verdict(swapped, FACTS, balanced=False).startswith("Reweighting did harm")
    equal = [Row("baseline", good.confusions), good]
    assert verdict(equal, FACTS, balanced=True).startswith(
        "Whether reweighting helped is undecided"
    )
    unsure = Facts(**{**vars(FACTS), "test_is_trusted": False})
    told = verdict([bad, good], unsure, balanced=False)
    assert told.startswith("Against given test labels")
    assert "no verdict" in told
    assert "helped:" not in told
    assert "both needed" in verdict([good], FACTS, balanced=False)
