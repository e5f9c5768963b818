"""Lemma 1 and Theorem 2 on real digits: they hold, and what breaks their conditions breaks them."""

from dataclasses import replace

import pytest

from l2rw.theory.checks import NOT_APPLICABLE, check_lemma, check_theorem
from l2rw.theory.constants import constants_of
from l2rw.theory.links import check_links
from l2rw.theory.simulate import simulate

INFORMATIVE = 2500


def judge(problem, spec, seed=0):
    constants = constants_of(problem, spec)
    record = simulate(problem, spec, constants, seed)
    return (
        check_theorem(record, constants, spec, seed),
        check_lemma(record.descent, constants, spec),
        check_links(record, constants),
    )


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("model", ["logistic", "softmax"])
@pytest.mark.parametrize("limit_fraction", [0.5, 1.0])
def test_g_never_grows_up_to_the_corrected_limit(
    problems, simulation, model, aligned, limit_fraction
):
    changes = {"model": model, "aligned": aligned, "limit_fraction": limit_fraction}
    spec = simulation(steps=400, batch_size=10, **changes)
    theorem, lemma, links = judge(problems[model], spec)
    assert (lemma.verdict, lemma.growths, lemma.steps) == ("holds", 0, 1200)
    assert links.descent.breaches == 0
    assert links.gradient.smallest >= links.gradient_sharper.smallest >= 1
    assert links.jensen.smallest >= 1 - 1e-12
    assert (theorem.verdict == NOT_APPLICABLE) == (limit_fraction == 1)


def test_theorem_2_holds_where_it_says_something(logistic, simulation):
    theorem, _, links = judge(logistic, simulation(steps=INFORMATIVE, batch_size=8))
    assert theorem.verdict == "holds"
    assert 0 < theorem.corrected.informative_from < INFORMATIVE
    assert theorem.corrected.smallest_ratio_of_upper_limit > 1
    assert theorem.sharper.observed == "below the bound"
    assert theorem.sharper.informative_from < theorem.corrected.informative_from
    for share in (links.descent_share, links.budget_share, links.least_alignment_share):
        assert 0 < share <= 1


def test_a_few_steps_say_nothing(logistic, simulation):
    theorem, _, _ = judge(logistic, simulation(steps=50))
    assert theorem.verdict == "uninformative up to T = 50"


def test_among_contradictions_l2rw_keeps_what_unguided_steps_break(contradicted, simulation):
    """Five of six training examples are wrong: whoever believes them leaves the clean set."""
    spec = simulation(steps=2 * INFORMATIVE, batch_size=8)
    theorem, lemma, _ = judge(contradicted, spec)
    assert (theorem.verdict, lemma.verdict) == ("holds", "holds")

    theorem, lemma, links = judge(contradicted, replace(spec, weighting="unguided"))
    assert (theorem.verdict, lemma.verdict) == (NOT_APPLICABLE, NOT_APPLICABLE)
    assert theorem.corrected.observed.startswith("violated at T =")
    assert lemma.growths > lemma.steps / 4
    assert links.descent.breaches >= lemma.growths


def test_a_clean_set_outside_the_training_set_leaves_l2rw_nothing_to_learn_from(
    contradicted, simulation
):
    apart = replace(contradicted, contains_clean=False)
    theorem, lemma, links = judge(apart, simulation(steps=2 * INFORMATIVE, batch_size=8))
    assert theorem.verdict == NOT_APPLICABLE
    assert theorem.corrected.observed.startswith("violated at T =")
    # Lemma 1 does not need the containment.
    assert (lemma.verdict, links.descent.breaches) == ("holds", 0)
    assert links.gradient.smallest < 1


def test_the_wrong_sign_breaks_everything(logistic, simulation):
    spec = simulation(steps=INFORMATIVE, batch_size=8, weighting="ascent")
    theorem, lemma, _ = judge(logistic, spec)
    assert theorem.verdict == NOT_APPLICABLE
    assert theorem.corrected.observed.startswith("violated at T =")
    assert theorem.corrected.smallest_ratio < 1
    assert lemma.growths == lemma.steps
    assert lemma.largest_growth > 0.1


@pytest.mark.parametrize(
    ("limit_fraction", "growths"), [(0.5, 0), (1.0, 0), (1 + 1e-9, 1), (2.0, 50), (8.0, 50)]
)
def test_the_corrected_limit_is_sharp(huber, simulation, limit_fraction, growths):
    spec = simulation(
        model="huber", batch_size=8, steps=100, trajectories=1, limit_fraction=limit_fraction
    )
    theorem, lemma, links = judge(huber, spec)
    assert bool(lemma.growths) == bool(growths)
    assert lemma.growths >= growths
    assert (lemma.verdict == "holds") == (limit_fraction <= 1)
    assert (lemma.verdict_as_printed == "violated") == (limit_fraction > 1)
    assert (theorem.verdict == "holds") == (limit_fraction < 1)
    # The link with the slip fails at every step size; mended, it holds even beyond the limit.
    assert links.descent_as_printed.breaches > 0
    assert links.descent.breaches == 0


@pytest.mark.parametrize("limit_fraction", [1.0, 2.0, 4.0])
def test_the_printed_rate_fails_at_step_sizes_that_it_allows(huber, simulation, limit_fraction):
    spec = simulation(
        model="huber", batch_size=8, steps=100, trajectories=1, limit_fraction=limit_fraction
    )
    theorem, _, _ = judge(huber, spec)
    assert theorem.printed.observed.startswith("violated at T =")


def test_the_slip_shows_on_real_digits_too(logistic, simulation):
    spec = simulation(steps=2000, batch_size=20, aligned=True)
    _, lemma, links = judge(logistic, spec)
    assert links.descent.breaches == 0
    assert links.descent_as_printed.breaches > 0
    assert lemma.growths == 0

    beyond = replace(spec, limit_fraction=float(spec.batch_size))
    _, lemma, links = judge(logistic, beyond)
    assert lemma.verdict_as_printed == "violated"
    assert links.descent.breaches == 0
