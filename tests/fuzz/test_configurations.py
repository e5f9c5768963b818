"""Whatever stands in a configuration: it is planned, or refused in a sentence, and quickly."""

import re
from time import monotonic

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from l2rw.config.load import parse_config
from l2rw.planning.bounds import check_bounds
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError
from tests.fuzz.configurations import BASE, changed, changes

LIBRARY = re.compile(r"Input|[Uu]nable to|instance of|a valid |pydantic|\[type=")
"""What the library that validates says."""
SECONDS = 10
"""Of one configuration, at most, on a busy machine."""

SOME = st.lists(changes(), min_size=1, max_size=3)


def plan_or_refuse(all_changes):
    started = monotonic()
    try:
        plan = Plan(parse_config(changed(all_changes)))
        check_bounds(plan, memory_mb=4000)
        assert [plan.file(name) for name in plan.experiments]
    except UserError as error:
        said = str(error)
        assert " Hint: " in said
        assert not LIBRARY.search(said)
    assert monotonic() - started < SECONDS


def test_the_configuration_that_is_changed_can_be_planned():
    assert len(Plan(parse_config(BASE)).cells) > 5


@settings(max_examples=150)
@given(SOME)
@example([(("experiments", 3), {"kind": "table"})])
@example([(("targets",), ["\ud800", "\ud800"])])
@example([(("experiments", "table2", "corruptions"), -1)])
@example([(("experiments", "mine", "rows"), [{"method": "gce", 3: 4}])])
@example([(("experiments", "mine", "rows"), [{"method": "gce", "q": 10**400}])])
def test_some_configurations(all_changes):
    plan_or_refuse(all_changes)


@pytest.mark.long
@settings(max_examples=5000, suppress_health_check=list(HealthCheck))
@given(SOME)
def test_many_configurations(all_changes):
    plan_or_refuse(all_changes)
