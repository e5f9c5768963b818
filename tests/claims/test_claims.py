import re

import pytest
from pydantic import ValidationError

from l2rw.claims.claims import claims, parse_claims
from l2rw.claims.evidence import planned
from l2rw.config.documents import REPOSITORY
from l2rw.config.load import Config
from l2rw.config.paper import EXPERIMENTS
from l2rw.planning.plan import Plan

GAP = {
    "test": "accuracy_difference",
    "experiment": "table1",
    "row": "l2rw",
    "minus": "others",
    "above": 0,
}
CLAIM = {"id": "one", "title": "One", "where": "Here", "says": "So.", "parts": [GAP]}


@pytest.mark.parametrize(
    ("claim", "place"),
    [
        (CLAIM | {"titel": "One"}, "titel"),
        (CLAIM | {"parts": []}, "parts"),
        (CLAIM | {"id": "One claim"}, "id"),
        (CLAIM | {"parts": [GAP | {"test": "gaps"}]}, "parts"),
        (CLAIM | {"parts": [GAP | {"mnus": "others"}]}, "mnus"),
        (CLAIM | {"parts": [GAP | {"experiment": "table3"}]}, "experiment"),
        (CLAIM | {"parts": [GAP | {"below": 3}]}, "give one of above, below"),
        (CLAIM | {"parts": [GAP | {"above": "much"}]}, "above"),
    ],
)
def test_what_is_wrong_with_a_claim_is_told(claim, place):
    parse_claims([CLAIM])
    with pytest.raises(ValidationError, match=place):
        parse_claims([claim])


def test_two_claims_have_two_ids():
    with pytest.raises(ValidationError, match="one"):
        parse_claims([CLAIM, CLAIM])


def test_figures_and_departures_of_claims_exist():
    text = (REPOSITORY / "docs/deviations.md").read_text()
    numbers = {int(n) for n in re.findall(r"^(\d+)\. ", text, re.MULTILINE)}
    assert numbers == set(range(1, len(numbers) + 1))
    for claim in claims():
        assert set(claim.departures) <= numbers
        assert claim.shown_by is None or claim.shown_by in EXPERIMENTS


@pytest.fixture(scope="module")
def paper():
    plan = Plan(Config())
    return planned([plan.describe(name) for name in plan.experiments], plan.timed_networks)


@pytest.mark.parametrize(
    ("claim", "comparisons"),
    [
        ("imbalance-best", 5 * 5),
        ("imbalance-growth", 1),
        ("imbalance-others", 5),
        ("uniform-best", 2 * 7),
        ("background-best", 2 * 15),
        ("background-margin", 15),
        ("random", 3 * 2),
        ("early-stopping", 1),
        ("zero-weights", 4),
        ("few-clean-images", 1),
        ("enough-clean-images", 1),
        ("fine-tuning-catches-up", 2 + 1),
        ("noise", 2),
        ("no-noise", 1),
        ("curves", 3),
        ("overhead", 2),
        ("lemma1-printed", 1),
        ("theorem2", 3 + 2),
        ("overhead-forward", 4),
        ("lemma1-images", 2),
        ("lemma1-corrected", 1 + 2 + 3),
    ],
)
def test_the_papers_configuration_has_what_every_claim_needs(paper, claim, comparisons):
    by_id = {one.id: one for one in claims()}
    found = by_id[claim].comparisons(paper)
    assert len({(part, one) for part, one in found}) == len(found) == comparisons
