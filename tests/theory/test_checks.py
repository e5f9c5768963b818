"""Verdicts on made-up observations, whose right verdict is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from l2rw.theory.checks import (
    BELOW,
    NOT_APPLICABLE,
    bootstrap_limits,
    check_lemma,
    check_theorem,
    compare,
)
from l2rw.theory.constants import constants_of
from l2rw.theory.links import check_links
from l2rw.theory.record import Descent, Record, Slack, grid_of


def record_of(mean, spread=0.0, lanes=8):
    """A record whose mean of ‖∇G‖² is given; trajectories lie ``spread`` around it, relatively."""
    mean = np.asarray(mean, dtype=float)
    grid = grid_of(len(mean) - 1)
    around = 1 + spread * np.linspace(-1, 1, lanes)
    squared = mean[grid][:, None] * around
    return Record(
        mean_squared_gradient=mean,
        descent=Descent(Slack(0.1), Slack(0.2), steps=10),
        total_alignment=np.full(lanes, 3.0),
        smallest_mean_alignment=0.5,
        grid=grid,
        clean_loss=np.linspace(0.7, 0.1, len(grid))[:, None] * np.ones(lanes),
        squared_gradient=squared,
        alignment=np.ones_like(squared),
        expected_alignment=squared**2,
        points=torch.zeros(len(grid), 1, 1),
    )


def comparison(mean, constant, spread=0.0):
    record = record_of(mean, spread)
    return compare(record, constant, bootstrap_limits(record, seed=0)[1])


T = np.arange(1, 401)


def test_what_keeps_a_bound_holds_and_the_margin_is_told():
    mean = np.r_[1.0, np.minimum(1, 1.5 / np.sqrt(T))]
    kept = comparison(mean, constant=3.0)
    assert kept.observed == BELOW
    assert kept.smallest_ratio == pytest.approx(2)
    # 3 / √T is below 1 from the tenth step on: at the ninth it is just 1.
    assert kept.informative_from == 10
    assert kept.smallest_ratio_of_upper_limit == pytest.approx(2)
    at = kept.smallest_ratio_at
    assert kept.smallest_ratio_counted == pytest.approx(2 * math.sqrt(3 / 4))
    assert at >= 3


@pytest.mark.parametrize("first", [10, 11, 50, 400])
def test_the_first_step_beyond_the_bound_is_named(first):
    """On and off the grid."""
    mean = np.r_[1.0, np.minimum(1, 2.99 / np.sqrt(T))]
    mean[first:] = mean[first - 1]
    late = comparison(mean, constant=3.0)
    bound = 3 / np.sqrt(T)
    expected = T[mean[first] > bound][0] if mean[first] > bound[-1] else None
    assert late.observed == (BELOW if expected is None else f"violated at T = {expected}")
    if expected is not None:
        assert late.smallest_ratio == pytest.approx(bound[-1] / mean[first])
        assert late.smallest_ratio_at == 400


def test_only_the_minimum_so_far_counts():
    mean = np.r_[1.0, 0.01, np.ones(399)]
    assert comparison(mean, constant=3.0).observed == BELOW


def test_a_bound_that_never_falls_below_the_start_says_nothing():
    silent = comparison(np.ones(401), constant=20.0)
    assert silent.observed == "uninformative up to T = 400"
    assert silent.informative_from is None
    assert comparison(np.ones(402), constant=20.0).observed == "violated at T = 401"


def test_what_only_some_trajectories_keep_is_undecided():
    mean = np.r_[1.0, np.minimum(1, 2.9 / np.sqrt(T))]
    assert comparison(mean, constant=3.0, spread=0.02).observed == BELOW
    doubtful = comparison(mean, constant=3.0, spread=0.9)
    assert doubtful.observed == "undecided"
    assert doubtful.smallest_ratio_of_upper_limit < 1 < doubtful.smallest_ratio


def test_bootstrap_limits_are_those_of_a_mean():
    mean = np.r_[1.0, 1 / np.sqrt(T)]
    record = record_of(mean, spread=0.3, lanes=200)
    lower, upper = bootstrap_limits(record, seed=0)
    # Uniform on mean ± 30 %: a standard error of 0.3 / √3 / √200.
    half = 1.96 * 0.3 / math.sqrt(3 * 200)
    np.testing.assert_allclose(upper, mean[record.grid] * (1 + half), rtol=0.004)
    np.testing.assert_allclose(lower, mean[record.grid] * (1 - half), rtol=0.004)
    again = bootstrap_limits(record, seed=0)
    np.testing.assert_equal(again, (lower, upper))


def test_nothing_observed_is_within_any_bound():
    assert comparison(np.r_[1.0, np.zeros(400)], constant=3.0).smallest_ratio is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weighting": "ascent"}, ["ascent"]),
        ({"weighting": "unguided"}, ["unguided"]),
        ({"limit_fraction": 1.0}, ["at the limit"]),
        ({"limit_fraction": 1.01}, ["above the limit"]),
        ({"limit_fraction": 2.0, "weighting": "ascent"}, ["ascent", "above the limit"]),
    ],
)
def test_the_theorem_does_not_apply_without_its_conditions(logistic, simulation, changes, named):
    spec = simulation(**changes)
    constants = constants_of(logistic, spec)
    checked = check_theorem(record_of(np.ones(401)), constants, spec, seed=0)
    assert checked.verdict == NOT_APPLICABLE
    assert len(checked.failed_conditions) == len(named)
    for condition, word in zip(checked.failed_conditions, named, strict=True):
        assert word in condition
    # As if it did.
    assert checked.corrected.constant == constants.best_bound
    assert checked.corrected.observed.startswith("violated")


def test_nor_for_a_clean_set_outside_the_training_set(logistic, simulation):
    constants = constants_of(replace(logistic, contains_clean=False), simulation())
    checked = check_theorem(record_of(np.ones(401)), constants, simulation(), seed=0)
    assert checked.verdict == NOT_APPLICABLE
    assert "not contained" in " ".join(checked.failed_conditions)
    assert checked.printed is None


def test_just_below_the_limit_it_applies(logistic, simulation):
    spec = simulation(limit_fraction=0.999)
    constants = constants_of(logistic, spec)
    checked = check_theorem(record_of(np.ones(401)), constants, spec, seed=0)
    assert checked.failed_conditions == []
    assert checked.verdict == checked.corrected.observed == "uninformative up to T = 400"
    assert checked.corrected.constant == constants.bound
    assert checked.sharper.constant == pytest.approx(constants.bound / math.sqrt(6))
    assert checked.printed.constant == constants.bound_as_printed


@pytest.mark.parametrize(
    ("limit_fraction", "growths", "verdict", "as_printed"),
    [
        (1.0, 0, "holds", "holds"),
        (1.0, 3, "violated", "violated"),
        (1.01, 3, NOT_APPLICABLE, "violated"),
        (4.0, 0, NOT_APPLICABLE, "holds"),
        (4.01, 3, NOT_APPLICABLE, NOT_APPLICABLE),
    ],
)
def test_lemma_1_is_judged_under_both_conditions(
    logistic, simulation, limit_fraction, growths, verdict, as_printed
):
    spec = simulation(limit_fraction=limit_fraction, batch_size=4)
    descent = Descent(Slack(0.1), Slack(0.2), steps=10, growths=growths)
    lemma = check_lemma(descent, constants_of(logistic, spec), spec)
    assert (lemma.verdict, lemma.verdict_as_printed) == (verdict, as_printed)
    assert bool(lemma.failed_conditions) == (verdict == NOT_APPLICABLE)


def test_links_are_measured_against_what_the_proof_allows(logistic, simulation):
    constants = constants_of(logistic, simulation())
    record = record_of(np.r_[1.0, 1 / np.sqrt(T)], spread=0.5, lanes=2)
    links = check_links(record, constants)
    kappa, gap = constants.kappa, constants.gap
    # Of a total alignment of 3, 2 belong to steps, which took G from 0.7 to 0.1.
    assert links.descent_share == pytest.approx(kappa * 2 / 0.6)
    assert links.budget_share == pytest.approx(kappa * 3 / gap)
    assert links.least_alignment_share == pytest.approx(0.5 * kappa * 401 / gap)
    p = constants.containment
    assert (links.gradient.smallest, links.gradient.mean) == pytest.approx((1 / p, 1 / p))
    assert links.gradient_sharper.mean == pytest.approx(1 / (6 * p))
    assert links.jensen.smallest == pytest.approx((0.5**2 + 1.5**2) / 2)


def test_a_gradient_without_any_alignment_breaks_the_last_link(logistic, simulation):
    record = record_of(np.ones(401))
    record.expected_alignment[5] = 0
    links = check_links(record, constants_of(logistic, simulation(limit_fraction=2.0)))
    assert links.gradient.smallest == links.gradient.mean == 0
    assert links.descent_share is links.budget_share is links.least_alignment_share is None
