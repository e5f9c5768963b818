from dataclasses import replace

import pytest

from l2rw.bench.operations import count_operations, measure_memory
from l2rw.commands.main import main
from l2rw.config.load import Config
from l2rw.data.datasets.catalog import CATALOG
from l2rw.models import MODELS
from l2rw.planning.costs import (
    LAUNCH_SECONDS,
    LOADED_MB,
    START_MINUTES,
    limits,
    step_mib,
)
from l2rw.planning.hours import relative_size
from l2rw.planning.plan import Plan


def spec(model, method):
    cells = Plan(Config()).cells.values()
    return next(
        cell.spec
        for cell in cells
        if cell.kind == "training" and (cell.spec.model, cell.spec.method) == (model, method)
    )


def limits_of(model="wrn28_10", method="l2rw", seeds=1, stack=1, threads=1, gpu=True):
    return limits(spec(model, method), seeds, stack=stack, threads=threads, gpu=gpu)


@pytest.mark.parametrize("model", MODELS)
def test_costs_are_those_of_the_networks_as_they_are(model):
    """If this fails because a network was meant to change: `l2rw costs`."""
    cost = MODELS[model].cost
    assert count_operations(model) == (cost.sgd, cost.reweighted, cost.clean)


def test_memory_is_about_what_is_measured_here():
    assert MODELS["lenet"].cost.mib / 2 < measure_memory("lenet") < MODELS["lenet"].cost.mib * 2


def test_the_command_prints_what_a_record_contains(capsys, monkeypatch):
    monkeypatch.setattr("l2rw.bench.operations.measure_memory", lambda model: 0.0701)
    assert main(["costs", "mlp"]) == 0
    said = "mlp: Cost(sgd=138752, reweighted=190464, clean=138752, mib=0.07)\n"
    assert capsys.readouterr().out == said


def test_a_clean_example_costs_what_one_of_sgd_does():
    for cost in (record.cost for record in MODELS.values()):
        assert cost.clean == pytest.approx(cost.sgd, rel=0.01)


def test_time_grows_with_seeds_and_falls_with_threads():
    one, three = (limits_of(seeds=seeds).runtime - START_MINUTES for seeds in (1, 3))
    assert three == pytest.approx(3 * one, abs=3)
    slow, fast = (limits_of(threads=t, gpu=False).runtime - START_MINUTES for t in (1, 4))
    assert slow == pytest.approx(4 * fast, abs=4)


def test_time_is_twice_what_operations_take_at_the_rate_of_a_gpu():
    cost, run = MODELS["wrn28_10"].cost, spec("wrn28_10", "l2rw")
    seconds = run.steps * 100 * (cost.reweighted + cost.clean) / 10e12
    assert limits_of().runtime == pytest.approx(10 + 2 * seconds / 60, abs=1)


def test_a_gpu_is_not_taken_to_launch_faster_than_it_may():
    run = spec("lenet", "l2rw")
    least = 2 * run.steps * LAUNCH_SECONDS / 60
    assert limits_of("lenet").runtime == pytest.approx(START_MINUTES + least, abs=1)


def test_memory_grows_with_the_seeds_that_train_at_once():
    one, stacked, short = (
        limits_of("resnet32", seeds=seeds, stack=stack).mem_mb - LOADED_MB
        for seeds, stack in ((5, 1), (5, 5), (2, 5))
    )
    assert stacked == pytest.approx(5 * one, abs=5)
    assert short == pytest.approx(2 * one, abs=5)
    assert step_mib(spec("resnet32", "l2rw"), 1) * 1.048576 == pytest.approx(one, abs=1)


def test_larger_images_take_more_and_small_ones_what_was_measured():
    big = replace(CATALOG["cifar10"], image_shape=(3, 64, 64))
    assert relative_size(big, "resnet32") == 4
    assert relative_size(CATALOG["digits"], "resnet32") == 1
    table = replace(CATALOG["digits"], image_shape=(30,))
    assert relative_size(table, "mlp") == 1
    run = spec("resnet32", "l2rw")
    small, large = (
        limits(run, 1, stack=1, threads=1, gpu=False, larger=times) for times in (1.0, 4.0)
    )
    assert large.runtime - START_MINUTES == pytest.approx(
        4 * (small.runtime - START_MINUTES), abs=4
    )
    assert large.mem_mb - LOADED_MB == pytest.approx(4 * (small.mem_mb - LOADED_MB), abs=4)


def test_methods_without_a_clean_batch_take_less():
    guided, plain = limits_of(), limits_of(method="baseline")
    assert plain.mem_mb < guided.mem_mb
    assert plain.runtime < guided.runtime
