import re
from pathlib import Path

import pytest

from l2rw.config.load import Config
from l2rw.models import MODELS
from l2rw.planning.costs import times_by_operations
from l2rw.planning.plan import Plan
from l2rw.planning.table import print_plan, read_config, remaining_work
from l2rw.store.checksums import write_record
from l2rw.store.errors import UserError

CONFIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))


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
    assert told["figure7"][:5] == ["3", "15", "15", "15", "1,200,000"]
    assert told["all"] == told["table2"]


def test_hours_follow_from_measured_times_where_there_are_any(tmp_path, capsys):
    (tmp_path / "overlay").write_text("targets: [figure7]")
    ways = {"SGD": 10.0, "forward mode": 36.0}
    rows = [{"model": "resnet32", "way": way, "ms_per_seed": ms} for way, ms in ways.items()]
    write_record(tmp_path / "bench.json", {"rows": rows, "settings": {"batch_size": 100}})
    told = lines(table(capsys, tmp_path / "overlay", bench=tmp_path / "bench.json"))
    hours = 5 * 80_000 * (10 + 10 + 36) / 3.6e6
    hours += 15 * 80 * 150 * 10 / 3 / 3.6e6  # 80 evaluations a run of 15,000 images
    assert told["all"][-2] == f"{hours:.1f}"


def test_simulations_are_counted_but_not_in_hours(tmp_path, capsys):
    (tmp_path / "overlay").write_text("targets: [figure7, theorem2, lemma1]")
    ways = {"SGD": 10.0, "forward mode": 36.0}
    rows = [{"model": "resnet32", "way": way, "ms_per_seed": ms} for way, ms in ways.items()]
    write_record(tmp_path / "bench.json", {"rows": rows, "settings": {"batch_size": 100}})
    text = table(capsys, tmp_path / "overlay", bench=tmp_path / "bench.json")
    told = lines(text)
    assert told["theorem2"] == ["5", "5", "5", "5", "5,000,000", "0.0", "0.0"]
    assert told["lemma1"] == ["5", "5", "5", "5", "100,000", "0.0", "0.0"]
    assert told["all"][:2] == ["13", "25"]
    assert told["all"][-2:] == told["figure7"][-2:]
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


SMALL = """
{name: small, targets: [figure2, theorem2], compute: {seeds_per_job: 2}, experiments:
  {figure2: {seeds: 9, methods: [baseline, l2rw], majority_shares: [0.9]}}}
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a function that pretends that some jobs of a small plan's first cell are done."""
    monkeypatch.chdir(tmp_path)
    Path("overlay").write_text(SMALL)
    config = read_config([Path("overlay")])

    def done(*jobs):
        (cell, *_) = Plan(config).cells
        for job in jobs:
            folder = config.results / "runs" / cell / f"seed-{job}"
            folder.mkdir(parents=True)
            (folder / "result.json").touch()
        return Plan(config, config.results)

    return done


def test_what_is_done_is_told_from_what_is_to_do(small, capsys):
    assert lines(table(capsys, Path("overlay")))["figure2"][2:4] == ["10", "10"]
    small("0-1")
    told = lines(table(capsys, Path("overlay")))
    assert told["figure2"][2:4] == ["10", "9"]
    assert told["all"][2:4] == ["15", "14"]


def test_memory_is_that_of_the_largest_step(capsys, tmp_path):
    (tmp_path / "overlay").write_text("{targets: [figure6, figure2], compute: {stack: 3}}")
    told = lines(table(capsys, tmp_path / "overlay"))
    each = {name: record.cost.mib for name, record in MODELS.items()}
    assert told["figure2"][-1] == f"{3 * 110 * each['lenet'] / 1024:.1f}"
    assert told["all"][-1] == f"{3 * 200 * each['wrn28_10'] / 1024:.1f}"


class TestOutlook:
    """What is still to be trained, before it is."""

    steps, absent = 8000, Path("absent.json")

    def test_counts_what_is_to_do_alone(self, small):
        whole = remaining_work(small(), self.absent, gpu=False, cores=1)
        rest = remaining_work(small("0-1"), self.absent, gpu=False, cores=1)
        sgd, l2rw = times_by_operations(["lenet"], 0.05)["lenet"]
        hours = self.steps * 9 * (sgd + l2rw) / 3.6e6
        less = hours - self.steps * 2 * sgd / 3.6e6
        assert "10 of 10 training jobs" in whole
        assert "9 of 10 training jobs" in rest
        assert f"about {hours:.0f} hours on 1 CPU core without a GPU" in whole
        assert f"about {less:.0f} hours on" in rest

    def test_shares_the_work_among_cores(self, small):
        told = [remaining_work(small(), self.absent, gpu=False, cores=cores) for cores in (1, 3)]
        alone, shared = (int(re.search(r"about (\d+) hours", line)[1]) for line in told)
        assert shared == pytest.approx(alone / 3, abs=0.7)

    def test_prefers_measured_times(self, small):
        ways = {"SGD": 900.0, "forward mode": 1800.0}
        rows = [{"model": "lenet", "way": way, "ms_per_seed": ms} for way, ms in ways.items()]
        write_record(Path("bench.json"), {"rows": rows, "settings": {"batch_size": 100}})
        told = remaining_work(small(), Path("bench.json"), gpu=True, cores=2)
        assert "about 55 GPU hours" in told
        assert "by bench.json" in told

    def test_is_silent_where_it_takes_less_than_an_hour(self, small):
        assert remaining_work(small(), self.absent, gpu=True, cores=1) is None

    @pytest.mark.parametrize(
        ("gpu", "cores", "demo"), [(False, 2, True), (False, 10**4, False), (True, 2, False)]
    )
    def test_names_the_demo_where_it_would_take_days(self, gpu, cores, demo):
        told = remaining_work(Plan(Config()), self.absent, gpu=gpu, cores=cores)
        assert ("make demo" in told) == demo
        assert ("days on" in told) == demo
