import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.plans import FLIP, RUN, made_up_cell, made_up_plan

from l2rw.bench.gradient_algorithms import GRADIENT_ALGORITHMS
from l2rw.bench.measure import variants
from l2rw.bench.plain import PlainTraining
from l2rw.bench.run import paper_plans
from l2rw.bench.settings import Settings
from l2rw.bench.workload import Workload, lay_out, random_examples
from l2rw.commands.main import main
from l2rw.config.load import Config
from l2rw.data.corruptions.imbalance import Imbalance
from l2rw.data.datasets.catalog import CATALOG
from l2rw.models import MODELS
from l2rw.planning.costs import times_by_operations
from l2rw.planning.hours import (
    DOUBLE_BACKWARD,
    FORWARD_MODE,
    LAYER_WISE,
    PLAIN_SGD,
    SGD,
    START_SECONDS,
    THREE_PASSES,
    Times,
    estimate,
    seconds_of_run,
)
from l2rw.planning.plan import Plan
from l2rw.theory.spec import SimulationSpec

CPU = torch.device("cpu")
TINY = ["--model", "lenet_8x8", "--device", "cpu", "--rounds", "2", "--batch-size", "4"]
REWEIGHTED = (FORWARD_MODE, DOUBLE_BACKWARD, THREE_PASSES)
SGDS = (PLAIN_SGD, SGD)


def run(out, *options):
    assert main(["bench", *TINY, *options, "--out", os.fspath(out)]) == 0
    return json.loads(out.read_text())


def workload(model="lenet_8x8", stack=1, channels_last=True):
    torch.manual_seed(0)
    return Workload(model, "float32", stack, CPU, channels_last=channels_last)


def plan(name, *cells, parents=(), seeds=2):
    shown, waited_for = ([described(*cell) for cell in given] for given in (cells, parents))
    return made_up_plan(name, shown, waited_for, seeds=seeds)


def described(name, model, method, steps):
    spec = replace(RUN, model=model, method=method, steps=steps, batch_size=100, evaluations=0)
    return made_up_cell(name, {"row": method}, spec=spec)


def write(plan, folder):
    """Write a plan file into a folder; return its place."""
    plan.write(folder)
    return folder / plan.file_name


def test_a_bench_prints_a_line_and_writes_a_row_for_each_way(tmp_path, capsys):
    report = run(tmp_path / "deep" / "bench.json", "--three-passes", "--clean-batch-size", "3")
    ways = [row["way"] for row in report["rows"]]
    contiguous = [f"{way}, contiguous" for way in SGDS]
    assert ways == [*contiguous, *SGDS, LAYER_WISE, *REWEIGHTED]
    table, _, hours = capsys.readouterr().out.partition("\n\n")
    header, *lines = table.splitlines()
    assert header.split()[:3] == ["model", "way", "ms/step"]
    assert "lenet" in hours  # what the paper trains and this bench did not measure
    assert len(lines) == len(ways)
    assert len({len(line) for line in [header, *lines]}) == 1
    assert report["settings"]["clean_batch_size"] == 3
    assert report["written_as"] == "bench.json"
    assert report["device"]["device_type"] == "cpu"
    assert report["device"]["precision"] == "float32"
    assert {"commit", "source", "versions"} <= set(report["provenance"])


def test_ratios_are_those_of_medians_to_the_faster_sgd(tmp_path):
    rows = run(tmp_path / "bench.json", "--stack", "2", "--contiguous")["rows"]
    sgd = min(row["ms"] for row in rows if row["way"].startswith(SGD))
    for row in rows:
        assert len(row["samples_ms"]) == 2
        assert row["ms"] == pytest.approx(np.median(row["samples_ms"]))
        assert row["iqr_ms"] == pytest.approx(np.ptp(row["samples_ms"]) / 2)
        assert row["ratio"] == pytest.approx(row["ms"] / sgd)
        assert row["ms_per_seed"] == pytest.approx(row["ms"] / 2)


def test_all_ways_can_be_measured_in_both_memory_formats():
    formats = {"contiguous": True, "three_passes": True, "peers": False}
    settings = Settings(["lenet"], "cpu", "float32", 1, 1, 4, None, 2, 1, compile=False, **formats)
    for independent, ways in (
        (True, {PLAIN_SGD, *GRADIENT_ALGORITHMS}),
        (False, {PLAIN_SGD, *GRADIENT_ALGORITHMS} - {LAYER_WISE}),
    ):
        found = variants(settings, independent=independent)
        assert len(found) == len(set(found)) == 2 * len(ways)
        assert {variant.way for variant in found} == ways


def test_plain_pytorch_takes_the_steps_of_our_sgd():
    for last in (False, True):
        ours = workload(channels_last=last)
        plain = PlainTraining("lenet_8x8", "float32", CPU, channels_last=last)
        for _ in range(3):
            seen = lay_out(random_examples("lenet_8x8", 1, 8, 4, CPU), channels_last=last)
            ours.step(GRADIENT_ALGORITHMS[SGD], seen)
            plain.step(seen)
        for name, parameter in plain._model.named_parameters():
            torch.testing.assert_close(parameter.detach(), ours._state.parameters[name][0])


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8"])
def test_the_ways_timed_give_the_same_weights_and_gradient(model):
    ours = {last: workload(model, channels_last=last) for last in (False, True)}
    examples = random_examples(model, 1, 16, 8, CPU)
    steps = [
        load.gradient(GRADIENT_ALGORITHMS[way], lay_out(examples, channels_last=last))
        for way in (*REWEIGHTED, *((LAYER_WISE,) if model == "lenet_8x8" else ()))
        for last, load in ours.items()
    ]
    assert steps[0].weights.count_nonzero() > 1
    for step in steps[1:]:
        torch.testing.assert_close(step.weights, steps[0].weights, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(step.gradient, steps[0].gradient, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(step.losses, steps[0].losses)


def test_a_stack_takes_the_steps_of_its_seeds():
    stacked, alone = workload(stack=2), workload()
    examples = random_examples("lenet_8x8", 2, 8, 4, CPU)
    first = type(examples)(*(tensor[:1] for tensor in examples))
    for way in (SGD, FORWARD_MODE):
        two, one = (
            load.gradient(GRADIENT_ALGORITHMS[way], lay_out(seen, channels_last=True))
            for load, seen in ((stacked, examples), (alone, first))
        )
        torch.testing.assert_close(two.weights[:1], one.weights, rtol=1e-4, atol=1e-6)


def test_images_are_uint8_values_in_the_range_of_the_data_set():
    images = random_examples("resnet32", 1, 2, 1, CPU).images
    assert images.shape == (1, 2, 3, 32, 32)
    bytes_again = (images + 1) * 127.5
    torch.testing.assert_close(bytes_again, bytes_again.round(), rtol=0, atol=1e-3)
    assert (images.min() < -0.9) & (images.max() > 0.9)


def test_by_operations_layer_wise_is_the_cheapest_and_costs_less_than_two_sgd_steps():
    # On a CPU, layer-wise weights leave out examples of weight zero, however many these are.
    meta = torch.device("meta")
    examples = random_examples("lenet", 1, 100, 10, meta)
    load = Workload("lenet", "float32", 1, meta, channels_last=True)
    flops = {way: load.flops(gradient, examples) for way, gradient in GRADIENT_ALGORITHMS.items()}
    assert 1.2 <= flops[LAYER_WISE] / flops[SGD] <= 1.5
    assert 1.5 <= flops[FORWARD_MODE] / flops[SGD] <= 2.0
    assert flops[FORWARD_MODE] < flops[DOUBLE_BACKWARD] < flops[THREE_PASSES]


def about(hours):
    """Allow for the seconds that jobs take to start."""
    return pytest.approx(hours, rel=0.05)


def test_a_run_takes_its_steps_its_evaluations_and_its_start():
    spec = replace(RUN, steps=1000, batch_size=50, evaluations=20)
    data, halves = replace(CATALOG["cifar10"], image_shape=(3, 64, 64)), Times(sgd=30, l2rw=80)
    flip = replace(FLIP, validation_size=5000)
    steps, evaluation = 1000 * 0.5 * 80, (10_000 + 5_000) / 100 * 10
    larger = (64 * 64) / (8 * 8)  # than the digits that the network was timed on
    seconds = START_SECONDS + larger * (steps + 20 * evaluation) / 1000
    assert seconds_of_run(spec, data, flip, halves) == pytest.approx(seconds)
    two_classes = Imbalance(4, 9, 0.9, 1000, 10)
    less = seconds_of_run(spec, data, two_classes, halves)
    test_images = 20 * (15_000 - 2_000) / 100 * 10 * larger / 1000
    assert seconds - less == pytest.approx(test_images)


def test_hours_are_steps_times_seeds_times_the_measured_time():
    hour = 3.6e6
    times = {"lenet": Times(sgd=hour / 1000, l2rw=hour / 500)}
    shared = ("shared", "lenet", "baseline", 100)
    first = plan("first", shared, ("a", "lenet", "l2rw", 100), ("b", "vgg", "l2rw", 100))
    second = plan("second", shared, seeds=3)
    hours = estimate([first, second], times)
    assert hours.by_experiment == about({"first": 0.2 + 0.4, "second": 0.3})
    assert hours.total == about(0.4 + 0.3)
    assert hours.not_measured == ["vgg"]


def test_hours_count_cells_that_others_wait_for_once():
    hour = 3.6e6
    times = {"lenet": Times(sgd=hour / 1000, l2rw=hour / 500)}
    parent, child = ("parent", "lenet", "baseline", 100), ("child", "lenet", "clean_only", 10)
    other = ("other", "vgg", "baseline", 10)
    alone = plan("alone", child, parents=[parent, other])
    shown = plan("shown", parent, child, seeds=5)
    hours = estimate([alone, plan("again", child, parents=[parent])], times)
    assert hours.by_experiment == about({"alone": 0.2 + 0.02, "again": 0.2 + 0.02})
    assert hours.total == about(0.2 + 0.02)
    for plans in ([alone, shown], [shown, alone]):
        hours = estimate(plans, times)
        assert hours.by_experiment == about({"alone": 0.22, "shown": 0.55})
        assert hours.total == about(0.55)
        assert hours.not_measured == ["vgg"]


def test_hours_leave_out_simulations_which_take_minutes():
    hour = 3.6e6
    spec = SimulationSpec("logistic", "l2rw", 0.5, 4, 10**9, 3, aligned=False)
    simulation = made_up_cell("s", {"model": "logistic"}, spec=spec)
    mixed = made_up_plan("mixed", [described("a", "lenet", "baseline", 100), simulation], seeds=2)
    alone = made_up_plan("alone", [simulation], seeds=2)
    hours = estimate([mixed, alone], {"lenet": Times(sgd=hour / 1000, l2rw=hour)})
    assert hours.by_experiment == about({"mixed": 0.2, "alone": 0})
    assert hours.total == about(0.2)
    assert hours.not_measured == []


def test_hours_of_the_paper_count_every_cell_once_for_its_seeds():
    paper, plans = Plan(Config()), paper_plans()
    hours = estimate(plans, dict.fromkeys(MODELS, Times(sgd=3.6e6, l2rw=3.6e6)))
    trained = {key: cell for key, cell in paper.cells.items() if cell.kind == "training"}
    # At one hour for each step, hard mining's candidates take as long as 5/3 of a step more.
    steps = sum(
        cell.spec.steps
        * (1 + (5 / 3 if cell.spec.method == "hard_mining" else 0))
        * paper.seeds_of(key)
        for key, cell in trained.items()
    )
    assert steps < hours.total < 1.1 * steps  # evaluations take the rest
    assert hours.by_experiment.keys() == paper.experiments.keys()
    assert any(plan.parents for plan in plans)


def test_times_by_operations_are_operations_over_a_rate():
    # On tensors without values, no example has weight zero.
    meta = torch.device("meta")
    examples = random_examples("lenet", 1, 100, 10, meta)
    lenet = Workload("lenet", "float32", 1, meta, channels_last=True)
    sgd, l2rw = (lenet.flops(GRADIENT_ALGORITHMS[way], examples) for way in (SGD, LAYER_WISE))
    (times,) = times_by_operations(["lenet"], teraflops=2.0).values()
    assert times == pytest.approx((1000 * sgd / 2e12, 1000 * l2rw / 2e12))


def test_hours_of_plan_files_are_printed_and_written(tmp_path, capsys):
    cells = [("a", "lenet_8x8", "l2rw", 1000), ("b", "wrn28_10", "baseline", 1000)]
    file = write(plan("figure", *cells, seeds=5), tmp_path)
    report = run(tmp_path / "bench.json", "--plan", os.fspath(file))
    (l2rw,) = (row for row in report["rows"] if row["way"] == LAYER_WISE)
    steps = 5000 * l2rw["ms"] / (report["settings"]["batch_size"] / 100) / 3.6e6
    assert report["hours"]["total"] == pytest.approx(steps, abs=5 * START_SECONDS / 3600 + 1e-9)
    out = capsys.readouterr().out
    assert "figure" in out
    assert "Not measured, and left out of the hours: wrn28_10." in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "lnet"], "'lnet'. Hint: did you mean 'lenet'?"),
        (["--model", "lenet", "zzz"], ", ".join(MODELS)),
        (["--precision", "bf61"], "'bf16'"),
        (["--device", "xla"], "auto, cpu, cuda"),
        (["--device", "cpu", "--precision", "tf32"], "--precision float32"),
        (["--rounds", "0"], "at least 1"),
        (["--three-passes", "--stack", "2"], "leave out"),
        (["--plan", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_cannot_be_measured_is_one_line_with_a_hint_and_exit_code_2(
    tmp_path, capsys, options, said
):
    out = tmp_path / "bench.json"
    assert main(["bench", *options, "--out", os.fspath(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert " Hint: " in line
    assert said in line
    assert not out.exists()


def test_a_bench_needs_no_more_than_torch_and_numpy(tmp_path):
    file = write(plan("figure", ("a", "lenet", "l2rw", 1)), tmp_path)
    arguments = ["bench", *TINY, "--plan", file.name, "--out", "bench.json"]
    absent = ("pydantic", "yaml", "snakemake", "safetensors", "dvc", "tqdm", "torchvision")
    # None in sys.modules makes an import fail, as if the package were not installed.
    program = f"""
import sys
sys.modules.update(dict.fromkeys({absent}))
from l2rw.commands.main import main
sys.exit(main({arguments}))
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
    assert (tmp_path / "bench.json").exists()
