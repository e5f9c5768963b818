import json

import pytest

from l2rw.commands.main import main
from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.theory.spec import SimulationSpec

from .conftest import corrupt


@pytest.fixture
def simulate(tmp_path, digits):
    """Return what simulates a cell of a small plan, given its id, and the ids of all cells."""
    small = {"dataset": "digits", "train_size": 60, "clean_size": 6, "trajectories": 2}
    raw = {"targets": ["lemma1"], "theory": small, "experiments": {"lemma1": {"steps": 20}}}
    plan = Plan(parse_config(raw))
    plan.create(tmp_path)
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
