"""Runs that were trained without Snakemake are done for it, once they are adopted."""

import shutil

import pytest

from l2rw.commands.main import main

from .conftest import TINY, Workspace

pytestmark = pytest.mark.workflow


def test_what_is_adopted_is_done_and_the_rest_is_planned(tmp_path, monkeypatch):
    home = Workspace(tmp_path / "home")
    home.folder.mkdir()
    assert home.planned(TINY).count("train") == 4  # which writes the plan file
    lent = tmp_path / "lent"
    shutil.copytree(home.results / "plan", lent / "plan")
    (plan,) = (lent / "plan").iterdir()
    monkeypatch.chdir(lent)
    options = ["--only", "l2rw", "--seeds", "0", "--device", "cpu", "--pack", "out"]
    assert main(["run-for", "5", str(plan), *options]) == 0

    monkeypatch.chdir(home.folder)
    assert main(["adopt", *map(str, (lent / "out").iterdir())]) == 0
    (adopted,) = (home.results / "runs").glob("*/*/seed-0")
    lines = [line.strip() for line in home.dry_run(TINY).splitlines()]
    trained = {line for line in lines if line.startswith("output: results/tiny/runs/")}
    assert len(trained) == 3
    assert not any(f"{adopted.relative_to(home.folder)}/" in line for line in trained)
    splits = {line for line in lines if line.startswith("output: results/tiny/splits/")}
    assert len(splits) == 1  # of the other seed
