import pytest

from l2rw.commands.main import main


@pytest.mark.parametrize("command", ["tabulate --runs", "draw --table", "judge --results"])
def test_a_plan_of_other_code_is_refused(tmp_path, plan_file, command, monkeypatch, capsys):
    monkeypatch.setattr("l2rw.experiments.cells.analysis_hash", lambda: "edited")
    command, option = command.split()
    plan = "--plans" if command == "judge" else "--plan"
    arguments = [command, plan, plan_file, option, tmp_path / "x", "--out", tmp_path / "out"]
    assert main([*map(str, arguments)]) == 2
    assert "code of the analysis has changed since" in capsys.readouterr().err


def test_a_mistake_is_one_line_with_a_hint_and_exit_code_2(tmp_path, plan_file, capsys):
    arguments = ["--plan", plan_file, "--split", "nonsense", "--seed", "0"]
    where = ["--data", tmp_path / "data.npz", "--out", tmp_path / "split.npz"]
    assert main(["corrupt", *map(str, arguments + where)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert "'nonsense'" in line
    assert " Hint: " in line
    assert not (tmp_path / "split.npz").exists()
