import pytest
from hypothesis import given
from hypothesis import strategies as st


@given(st.data())
def test_evaluations_are_as_many_as_asked_for_evenly_spaced_and_end_with_the_last_step(
    make_spec, data
):
    steps = data.draw(st.integers(1, 400))
    evaluations = data.draw(st.integers(1, steps))
    spec = make_spec(steps=steps, evaluations=evaluations)
    at = [step for step in range(1, steps + 1) if spec.evaluates_after(step)]
    assert len(at) == evaluations
    assert at[-1] == steps
    gaps = {after - before for before, after in zip([0, *at], at, strict=False)}
    assert max(gaps) - min(gaps) <= 1


def test_the_learning_rate_falls_to_a_tenth_at_every_decay(make_spec):
    spec = make_spec(learning_rate=0.1, decay_at=(3, 5))
    rates = [spec.learning_rate_at(step) for step in range(7)]
    assert rates == pytest.approx([0.1] * 3 + [0.01] * 2 + [0.001] * 2)


def test_without_decay_the_learning_rate_is_exactly_the_one_asked_for(make_spec):
    assert make_spec(learning_rate=1e-3).learning_rate_at(7999) == 1e-3
