import re
from time import monotonic

import pytest
from tests.config.test_config import figure2, theory

from l2rw.config.load import Config, parse_config
from l2rw.planning.bounds import check_bounds, memory_of_this_machine
from l2rw.planning.plan import Plan
from l2rw.store.errors import UserError

GB = 1e3


def plan(**training):
    more = {key: training.pop(key) for key in ("stack", "seeds_per_job") if key in training}
    raw = figure2(training={"model": "lenet_8x8"} | training, seeds=10) | {"compute": more}
    return Plan(parse_config(raw))


def refusal(plan, memory_mb):
    with pytest.raises(UserError) as told:
        check_bounds(plan, memory_mb=memory_mb)
    return str(told.value)


def test_the_paper_can_be_run():
    check_bounds(Plan(Config()), memory_mb=16 * GB)
    assert 100 < memory_of_this_machine() < 1e9


@pytest.mark.parametrize(
    ("much", "setting"),
    [
        ({"batch_size": 10**8}, "batch_size"),
        ({"batch_size": 1000, "stack": 1000, "seeds_per_job": 1000}, "batch_size"),
        ({"batch_size": 2, "clean_batch_size": 500, "stack": 9, "seeds_per_job": 9}, "stack"),
    ],
)
def test_the_number_that_would_do_does(much, setting):
    said = refusal(plan(**much), 1.2 * GB)
    assert f"lower {'compute.' * (setting == 'stack')}{setting}" in said
    number = int(re.search(r"([\d,]+)\.$", said)[1].replace(",", ""))
    assert 0 < number < much[setting]
    check_bounds(plan(**much | {setting: number}), memory_mb=1.2 * GB)
    refusal(plan(**much | {setting: 2 * number + 1}), 1.2 * GB)


def test_years_of_training_are_refused():
    def table(steps):
        training = {"uniform_flip": {"training": {"steps": steps, "decay_at": []}}}
        return Plan(parse_config({"targets": ["table1"], "noisy_labels": training}))

    said = refusal(table(10**9), 64 * GB)
    number = int(re.search(r"lower steps to ([\d,]+)\.$", said)[1].replace(",", ""))
    check_bounds(table(number), memory_mb=64 * GB)


def test_days_of_simulation_are_refused():
    small = {"dataset": "digits", "train_size": 40, "clean_size": 4}
    problem = Plan(parse_config(theory(**small, trajectories=10**6)))
    assert "theory.trajectories to 1,000." in refusal(problem, 64 * GB)
    check_bounds(Plan(parse_config(theory(**small, trajectories=1000))), memory_mb=64 * GB)


def test_refusals_are_quick():
    started = monotonic()
    refusal(plan(batch_size=10**9), 4 * GB)
    assert monotonic() - started < 2
