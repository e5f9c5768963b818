import json
from pathlib import Path

import pytest

from l2rw.bench.operations import times_by_operations
from l2rw.config import Config
from l2rw.errors import UserError
from l2rw.plan import Plan
from l2rw.plan_table import print_plan, read_config

CONFIGS = sorted((Path(__file__).parents[1] / "config").glob("*.yaml"))


def table(capsys, *overlays, bench=None, teraflops=10.0, with_cells=False):
    print_plan(overlays, bench, teraflops, with_cells=with_cells)
    return capsys.readouterr().out


def lines(text):
    return {line.split()[0]: line.split()[1:] for line in text.split("\n\n")[-2].splitlines()}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_of_the_repository_has_a_plan(path, capsys):
    plan = Plan(read_config([path]))
    told = lines(table(capsys, path))
    assert set(told) == {"experiment", "all", *plan.experiments}


def test_the_first_file_alone_is_the_paper():
    assert read_config([path for path in CONFIGS if path.stem == "config"]) == Config()


def test_later_files_lie_over_earlier_ones(tmp_path):
    for name, text in {
        "a": "{name: a, noisy_labels: {seeds: 2}}",
        "b": "noisy_labels: {clean_only_steps: 3}",
    }.items():
        (tmp_path / name).write_text(text)
    config = read_config([tmp_path / "a", tmp_path / "b"])
    assert (config.name, config.noisy_labels.seeds) == ("a", 2)
    assert config.noisy_labels.clean_only_steps == 3


def test_cells_that_experiments_share_count_once(tmp_path, capsys):
    (tmp_path / "two").write_text("targets: [table2, figure7]")
    told = lines(table(capsys, tmp_path / "two"))
    assert told["figure7"][:3] == ["3", "15", "1,200,000"]
    assert told["all"] == told["table2"]


def test_hours_follow_from_measured_times_where_there_are_any(tmp_path, capsys):
    (tmp_path / "overlay").write_text("targets: [figure7]")
    ways = {"SGD": 10.0, "forward mode": 36.0}
    rows = [{"model": "resnet32", "way": way, "ms_per_seed": ms} for way, ms in ways.items()]
    (tmp_path / "bench.json").write_text(json.dumps({"rows": rows}))
    told = lines(table(capsys, tmp_path / "overlay", bench=tmp_path / "bench.json"))
    hours = 5 * 80_000 * (10 + 10 + 36) / 3.6e6
    assert told["all"][-1] == f"{hours:.1f}"


def test_simulations_are_counted_but_not_in_hours(tmp_path, capsys):
    (tmp_path / "overlay").write_text("targets: [figure7, theorem2, lemma1]")
    ways = {"SGD": 10.0, "forward mode": 36.0}
    rows = [{"model": "resnet32", "way": way, "ms_per_seed": ms} for way, ms in ways.items()]
    (tmp_path / "bench.json").write_text(json.dumps({"rows": rows}))
    text = table(capsys, tmp_path / "overlay", bench=tmp_path / "bench.json")
    told = lines(text)
    assert told["theorem2"] == ["5", "5", "5,000,000", "0.0"]
    assert told["lemma1"] == ["5", "5", "100,000", "0.0"]
    assert told["all"][:2] == ["13", "25"]
    assert told["all"][-1] == told["figure7"][-1]
    assert "left out" not in text


def test_cells_are_listed_with_what_they_wait_for(tmp_path, capsys):
    (tmp_path / "overlay").write_text(
        "{targets: [table1], experiments: {table1: {datasets: [cifar10], rows: [baseline+ft]}}}"
    )
    listed = table(capsys, tmp_path / "overlay", with_cells=True).split("\n\n")[0].splitlines()
    parent = listed[0].split()[0]
    assert len(listed) == 2
    assert listed[1].endswith(f"after {parent}")


@pytest.mark.parametrize("text", [None, "[1, 2]", "a: [", "nmae: x"])
def test_what_is_no_configuration_is_refused(tmp_path, text):
    path = tmp_path / "overlay"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match="Hint: "):
        read_config([path])


@pytest.mark.parametrize("text", [None, "", "{}", '{"rows": [{}]}'])
def test_what_holds_no_measurements_is_refused(tmp_path, text):
    path = tmp_path / "bench.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match="Hint: "):
        print_plan([], path, 10.0, with_cells=False)


def test_operations_are_those_of_a_hand_count():
    """Two convolutions and two linear layers: forward, and backward to weights and to inputs."""
    macs = [8 * 8 * 9 * 16, 4 * 4 * 9 * 16 * 32, 2 * 2 * 32 * 32, 32 * 10]
    passes = 3 * sum(macs) - macs[0]  # nothing flows back to the images
    (times,) = times_by_operations(["lenet_8x8"], 2.0, batch_size=7).values()
    assert times.sgd == pytest.approx(7 * 2 * passes / 2e12 * 1e3)
    assert 2.2 * times.sgd < times.l2rw < 5 * times.sgd
