"""Ids stand in the paths of published results: what is pinned here must never change."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2rw.config.documents import REPOSITORY
from l2rw.planning.plan import Plan
from l2rw.planning.table import read_config
from l2rw.store.identity import plain, restored, setting

IDS = json.loads(Path(__file__).with_name("ids.json").read_text())
PUBLISHED = REPOSITORY / "docs" / "reproduction"


def plan_of(name):
    """The plan of a configuration: as it was when its ids were pinned, if it has changed since."""
    former = Path(__file__).with_name(f"{name}.yaml")
    today = REPOSITORY / "config" / f"{name}.yaml"
    return Plan(read_config([former if former.exists() else today]))


def ids(plan):
    """All that stands in paths, as ids.json has it."""
    return {
        "data": sorted(plan.data_file(dataset) for dataset in plan.datasets),
        "cells": list(plan.cells),
    }


@pytest.mark.parametrize("name", IDS)
def test_ids_of_data_and_cells_are_what_they_always_were(name):
    assert ids(plan_of(name)) == IDS[name]


@pytest.mark.parametrize("configuration", sorted(PUBLISHED.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_published_run_is_found_by_its_id(configuration):
    plan = Plan(read_config([configuration]))
    runs = PUBLISHED / configuration.stem / "runs"
    published = {path.parent.parent.relative_to(runs).as_posix() for path in runs.rglob("*.json")}
    assert published
    assert published <= set(plan.cells)


def test_published_settings_are_read_again():
    for path in (PUBLISHED / "mnist" / "runs").rglob("result.json"):
        cell = json.loads(path.read_text())["cell"]
        spec = plan_of("mnist").cells[cell["id"]].spec
        assert restored(type(spec), cell["training"]) == spec


@dataclass(frozen=True)
class Before:
    width: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class After:
    breadth: int = setting("width")
    shape: tuple[int, ...] = setting()
    depth: int = setting(left_out_at=1)


sizes = st.integers(1, 5)
shapes = st.lists(sizes).map(tuple)


@given(sizes, shapes)
def test_a_renamed_or_later_setting_changes_nothing_that_is_stored(width, shape):
    assert plain(After(width, shape, 1)) == plain(Before(width, shape))


@given(sizes, shapes, sizes)
def test_settings_survive_being_stored(width, shape, depth):
    settings = After(width, shape, depth)
    assert restored(After, json.loads(json.dumps(plain(settings)))) == settings


@pytest.mark.parametrize("stored", [{"width": 1}, {"width": 1, "shape": [], "height": 2}])
def test_settings_that_are_missing_or_unknown_are_refused(stored):
    with pytest.raises(ValueError, match=r"shape|height"):
        restored(After, stored)


@dataclass(frozen=True)
class Typed:
    name: Literal["one", "two"]
    count: int | None
    share: float
    flag: bool
    steps: tuple[int, ...]


TYPED = {"name": "one", "count": None, "share": 1, "flag": False, "steps": [1, 2]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("name", value) for value in ("three", 1, ["one"], None)),
        *(("count", value) for value in ("1", 1.0, True)),
        *(("share", value) for value in ("0.5", None, True, float("inf"), float("nan"))),
        *(("flag", value) for value in (0, 1, "true", None)),
        *(("steps", value) for value in (1, "12", [1.0], [True], [[1]], {"1": 1}, None)),
    ],
)
def test_settings_of_another_type_than_their_field_are_refused(key, value):
    assert restored(Typed, TYPED) == Typed("one", None, 1.0, False, (1, 2))
    with pytest.raises(ValueError, match=f"^{key} of Typed is "):
        restored(Typed, TYPED | {key: value})


@pytest.mark.parametrize("stored", [None, [], "name", 1])
def test_what_is_no_mapping_holds_no_settings(stored):
    with pytest.raises(ValueError, match="no settings"):
        restored(Typed, stored)


def test_every_field_is_stored_under_a_key_of_its_own():
    stored = plain(After(1, (), 2))
    assert len(stored) == len(fields(After))
