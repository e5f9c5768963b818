import json
import os

import numpy as np
import pytest

from l2rw.commands.main import main
from l2rw.config import documents as config_docs
from l2rw.config.load import parse_config
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.splits import Split
from l2rw.planning.plan import Plan
from l2rw.theory.spec import SimulationSpec


def write_plan(folder, experiment, section, **shared):
    experiments = {experiment: section}
    raw = {"targets": [experiment], "experiments": experiments, "noisy_labels": shared}
    plan = Plan(parse_config(raw))
    plan.write(folder)
    return folder / "plan" / plan.file(experiment)


@pytest.fixture
def plan_file(tmp_path):
    small = {"dataset": "digits", "train_size": 60, "clean_size": 6, "majority_shares": [0.8]}
    return write_plan(tmp_path, "figure2", small)


def corrupt(plan_file, seed, data, split):
    (split_id,) = {cell["split"] for cell in json.loads(plan_file.read_text())["cells"]}
    arguments = ["--plan", plan_file, "--split", split_id, "--seed", seed]
    where = ["--data", data, "--out", split]
    assert main(["corrupt", *map(str, arguments + where)]) == 0
    return Split.load(split)


def test_fetch_and_corrupt_write_a_data_set_and_a_split_of_it(tmp_path, plan_file):
    data, split = tmp_path / "deep" / "digits.npz", tmp_path / "deeper" / "split.npz"
    assert main(["fetch", "digits", "--offline", "--out", os.fspath(data)]) == 0
    labels = Dataset.load(data).train_labels
    drawn = corrupt(plan_file, 3, data, split)
    assert np.unique(labels[drawn.train.indices]).tolist() == [4, 9]


@pytest.mark.parametrize("command", ["tabulate --runs", "draw --table", "judge --results"])
def test_a_plan_of_other_code_is_refused(tmp_path, plan_file, command, monkeypatch, capsys):
    monkeypatch.setattr("l2rw.experiments.cells.analysis_hash", lambda: "edited")
    command, option = command.split()
    plan = "--plans" if command == "judge" else "--plan"
    arguments = [command, plan, plan_file, option, tmp_path, "--out", tmp_path / "out"]
    assert main([*map(str, arguments)]) == 2
    assert "code of the analysis was changed after" in capsys.readouterr().err


@pytest.mark.parametrize("experiment", ["table1", "table2"])
def test_corrupt_draws_the_noise_that_the_plan_says(tmp_path, digits, experiment):
    plan_file = write_plan(
        tmp_path,
        experiment,
        {"datasets": ["digits"], "rows": ["s_model+ft"]},
        validation_size=100,
        uniform_flip={"clean_size": 20, "noise": 0.25},
        background_flip={
            "clean_per_class": 2,
            "noise": 0.25,
            "background_classes": {"digits": [5, 8]},
        },
    )
    data, split = tmp_path / "digits.npz", tmp_path / "split.npz"
    digits.save(data)
    drawn = corrupt(plan_file, 3, data, split)
    assert (len(drawn.clean), len(drawn.validation)) == (20, 100)
    given, right = drawn.train.labels, digits.train_labels[drawn.train.indices]
    wrong = given != right
    if experiment == "table1":
        assert wrong.mean() == pytest.approx(0.25, abs=1e-3)
        assert len(np.unique(given[wrong])) == 10
    else:
        assert wrong[right != 8].mean() == pytest.approx(0.25, abs=1e-3)
        assert set(given[wrong]) == {8}


@pytest.fixture
def simulate(tmp_path, digits):
    """Return what simulates a cell of a small plan, given its id, and the ids of all cells."""
    small = {"dataset": "digits", "train_size": 60, "clean_size": 6, "trajectories": 2}
    raw = {"targets": ["lemma1"], "theory": small, "experiments": {"lemma1": {"steps": 20}}}
    plan = Plan(parse_config(raw))
    plan.write(tmp_path)
    plan_file = tmp_path / "plan" / plan.file("lemma1")
    data, split = tmp_path / "digits.npz", tmp_path / "split.npz"
    digits.save(data)
    corrupt(plan_file, 0, data, split)

    def simulate(cell):
        arguments = ["--plan", plan_file, "--cell", cell, "--seed", "0", "--data", data]
        where = ["--split", split, "--out", tmp_path / "out" / cell]
        return main(["simulate", *map(str, arguments + where)])

    return simulate, plan.cells


def test_simulate_leaves_the_checks_that_the_plan_asks_for(simulate, tmp_path):
    run, cells = simulate
    assert len(cells) == 5
    for key, cell in cells.items():
        assert run(key) == 0
        out = tmp_path / "out" / key
        assert {path.name for path in out.iterdir()} == {
            *("checks.json", "bound.csv", "trajectory.csv")
        }
        checks = json.loads((out / "checks.json").read_text())
        assert SimulationSpec(**checks["spec"]) == cell.spec
        assert checks["constants"]["training_size"] == (1 if cell.spec.model == "huber" else 60)


def test_a_simulation_that_is_not_in_the_plan_is_told(simulate, tmp_path, capsys):
    run, _ = simulate
    assert run("split/nonsense") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "'split/nonsense'" in line
    assert not (tmp_path / "out").exists()


def test_a_mistake_is_one_line_with_a_hint_and_exit_code_2(tmp_path, plan_file, capsys):
    arguments = ["--plan", plan_file, "--split", "nonsense", "--seed", "0"]
    where = ["--data", tmp_path / "data.npz", "--out", tmp_path / "split.npz"]
    assert main(["corrupt", *map(str, arguments + where)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert "'nonsense'" in line
    assert " Hint: " in line
    assert not (tmp_path / "split.npz").exists()


def test_config_writes_the_documents(tmp_path, monkeypatch, capsys):
    path = tmp_path / "document.md"
    monkeypatch.setattr(config_docs, "DOCUMENTS", {path: lambda: "what it says"})
    assert main(["config"]) == 0
    assert path.read_text() == "what it says"
    assert str(path) in capsys.readouterr().out
