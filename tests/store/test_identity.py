"""Ids stand in the paths of published results: what is pinned here must never change."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

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
    return Plan(read_config([REPOSITORY / "config" / f"{name}.yaml"]))


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


def test_every_field_is_stored_under_a_key_of_its_own():
    stored = plain(After(1, (), 2))
    assert len(stored) == len(fields(After))
