import csv
import json
import math

import pytest

from l2rw.theory.job import run_simulation, write_counterexample


@pytest.fixture
def files(tmp_path, digits, split):
    digits.save(tmp_path / "digits.npz")
    split.save(tmp_path / "split.npz")
    return tmp_path / "digits.npz", tmp_path / "split.npz"


def lines_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_simulation_leaves_its_results_and_nothing_else(files, simulation, tmp_path):
    out = tmp_path / "some" / "out"
    run_simulation(simulation(steps=30), *files, seed=3, out=out)
    assert {path.name for path in out.iterdir()} == {"checks.json", "trajectory.csv", "bound.csv"}

    checks = json.loads((out / "checks.json").read_text())
    assert (checks["seed"], checks["spec"]["model"]) == (3, "logistic")
    assert checks["theorem2"]["verdict"] == "uninformative up to T = 30"
    assert checks["lemma1"]["verdict"] == "holds"
    assert checks["links"]["descent"]["breaches"] == 0
    assert checks["constants"]["start_loss"] == pytest.approx(math.log(2))
    assert checks["search"]["steps"] == 20 * checks["search"]["points"]
    assert {"commit", "source", "versions", "seconds"} <= set(checks["made"])

    seen = lines_of(out / "trajectory.csv")
    assert seen[0].keys() == {"step", "trajectory", "clean_loss", "squared_gradient", "alignment"}
    assert [line["trajectory"] for line in seen[:4]] == ["0", "1", "2", "0"]
    assert {int(line["step"]) for line in seen} == set(range(31))

    bounds = lines_of(out / "bound.csv")
    assert bounds[0]["bound"] == ""
    c = checks["constants"]
    for line in bounds[1:]:
        root = math.sqrt(int(line["step"]))
        assert float(line["bound"]) == pytest.approx(c["bound"] / root)
        assert float(line["bound_sharper"]) == pytest.approx(c["bound"] / math.sqrt(6) / root)
        assert float(line["bound_printed"]) == pytest.approx(c["bound_as_printed"] / root)
    for line in bounds:
        of_step = [float(s["squared_gradient"]) for s in seen if s["step"] == line["step"]]
        assert float(line["mean"]) == pytest.approx(sum(of_step) / 3)
        assert float(line["lower"]) <= float(line["upper"])
    lowest = [float(line["running_min"]) for line in bounds]
    assert lowest == sorted(lowest, reverse=True)
    assert float(bounds[-1]["mean"]) == pytest.approx(checks["end_squared_gradient"])


def test_two_runs_differ_in_nothing_but_how_they_were_made(files, simulation, tmp_path):
    def results(name):
        run_simulation(simulation(), *files, seed=0, out=tmp_path / name)
        content = {path.name: path.read_text() for path in (tmp_path / name).iterdir()}
        checks = json.loads(content.pop("checks.json"))
        del checks["made"], checks["sha256"]  # the checksum is of all, the time it took included
        return checks, content

    assert results("one") == results("two")


@pytest.mark.parametrize("weighting", ["ascent", "unguided"])
def test_controls_leave_results_too(files, simulation, tmp_path, weighting):
    run_simulation(simulation(weighting=weighting), *files, seed=0, out=tmp_path / "out")
    checks = json.loads((tmp_path / "out" / "checks.json").read_text())
    assert checks["theorem2"]["verdict"] == "not applicable"
    assert checks["lemma1"]["growths"] > 0


def test_the_huber_loss_needs_no_data(simulation, tmp_path):
    spec = simulation(model="huber", limit_fraction=2.0)
    run_simulation(spec, None, None, seed=0, out=tmp_path / "out")
    checks = json.loads((tmp_path / "out" / "checks.json").read_text())
    assert checks["lemma1"]["verdict_as_printed"] == "violated"
    assert lines_of(tmp_path / "out" / "bound.csv")[1]["bound"] == ""
    with pytest.raises(ValueError, match="needs a data set"):
        run_simulation(simulation(), None, None, seed=0, out=tmp_path / "none")


def test_the_counterexample_is_a_table(tmp_path):
    write_counterexample(tmp_path / "out")
    (path,) = (tmp_path / "out").iterdir()
    lines = lines_of(path)
    assert path.name == "counterexample.csv"
    assert len(lines) == 63
    assert (lines[0]["batch_size"], lines[0]["loss_as_printed"], lines[0]["loss"]) == (
        "2",
        "2.5",
        "0.5",
    )
