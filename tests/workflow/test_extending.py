"""The package of docs/extending.md is made, block by block, and runs through the workflow."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_iris

from tests.workflow.conftest import REPOSITORY, Workspace

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

BLOCK = re.compile(r"```\w+\n# (\S+)\n(.*?)```", re.DOTALL)
BLOCKS = dict(BLOCK.findall((REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package, installed: a folder on the path with its entry points beside it."""
    site = tmp_path / "site"
    for name, content in BLOCKS.items():
        if name.startswith("l2rw_example/"):
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(content, encoding="utf-8")
    project = tomllib.loads(BLOCKS["pyproject.toml"])["project"]
    info = site / f"l2rw_example-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("".join(lines))
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", path)
    return site / "l2rw_example"


def test_one_of_each_from_outside_runs_through_the_workflow(package, tmp_path):
    workspace = Workspace(tmp_path / "work", "pairs")
    workspace.folder.mkdir()
    config = yaml.safe_load(BLOCKS["pairs.yaml"])
    done = workspace.run(config)
    # Five cells, of which three experiments show some twice, with two seeds each.
    assert done.count("train") == 10
    table = pd.read_csv(workspace.results / "tables" / "pairs.csv")
    assert set(table["row"]) == {"baseline", "label_smoothing", "l2rw"}
    # Three classes that a network tells apart, but for the labels: far better than guessing.
    assert (table["test_error"] < 0.5).all()
    assert table["weight_auc"].notna().all()
    metrics = json.loads((workspace.results / "metrics.json").read_text())
    assert set(metrics["pairs"]) == {f"stripes, {row}" for row in set(table["row"])}
    assert set(metrics["pairs_by_noise"]) == {
        f"{noise}, {row}" for noise in (0.0, 0.3) for row in ("baseline", "l2rw")
    }
    # All training examples: as many wrong labels among them as flipped.
    assert metrics["pair_suspects"]["l2rw, 1.0"] == pytest.approx(30, abs=0.5)
    assert metrics["pair_suspects"]["l2rw, 0.05"] > 60
    for name in ("pairs", "pairs_by_noise", "pair_suspects"):
        assert (workspace.results / "figures" / f"{name}.svg").exists()
    assert workspace.planned(config) == []

    records = package / "records.py"
    changed = records.read_text().replace('source="Szeg', 'revision=1,\n        source="Szeg')
    records.write_text(changed)
    assert workspace.planned(config).count("train") == 2


def test_data_sets_are_yaml_alone_once_their_kind_is_there(package, tmp_path):
    workspace = Workspace(tmp_path / "work", "flowers")
    workspace.folder.mkdir()
    irises = load_iris(as_frame=True)
    table = irises.data.assign(species=irises.target_names[irises.target])
    table.to_csv(workspace.folder / "irises.csv", index=False)
    random = np.random.default_rng(0)
    labels = np.arange(150) % 3
    blobs = (random.normal(size=(150, 5)) + 3 * labels[:, None]).astype(np.float32)
    np.savez(workspace.folder / "blobs.npz", x=blobs, y=labels)
    config = yaml.safe_load(BLOCKS["flowers.yaml"])
    done = workspace.run(config)
    assert (done.count("fetch"), done.count("train")) == (2, 4)
    runs = pd.read_csv(workspace.results / "tables" / "flowers.csv")
    assert set(runs["dataset"]) == {"irises", "blobs"}
    # Three classes, a fifth of the labels wrong, a hundred steps: better than guessing.
    assert (runs["test_error"] < 0.5).all()
    assert workspace.planned(config) == []

    np.savez(workspace.folder / "blobs.npz", x=blobs + 1, y=labels)
    assert Counter(workspace.planned(config))["train"] == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("LabelSmoothing", "Smoothing", "l2rw_example.label_smoothing:Smoothing, which does not"),
        ('source="Szegedy et al. 2016",', "", "missing 1 required keyword-only argument: 'source'"),
        ('name="label_smoothing"', 'name="l2rw"', "the name 'l2rw' is taken"),
        ('name="pair_flip"', 'name="Pair flip"', "'Pair flip' is no name"),
        ("RECORDS = [", "RECORDS = [7, ", "7 is no record"),
    ],
)
def test_an_incomplete_record_is_refused_in_a_sentence_before_any_job(
    package, tmp_path, old, new, said
):
    records = package / "records.py"
    content = records.read_text()
    assert old in content
    records.write_text(content.replace(old, new, 1))
    workspace = Workspace(tmp_path / "work", "pairs")
    workspace.folder.mkdir()
    refused = workspace.snakemake(yaml.safe_load(BLOCKS["pairs.yaml"]))
    assert refused.returncode == 2
    assert f"Error: The records that l2rw-example (example = {package.name}" in refused.stderr
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (workspace.results / "data").exists()


def test_the_command_line_refuses_it_too(package):
    (package / "records.py").write_text("RECORDS = [1 / 0]\n")
    command = [sys.executable, "-m", "l2rw", "plan"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert refused.returncode == 2
    assert "ZeroDivisionError: division by zero" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_method_takes_less_than_thirty_lines():
    assert len(BLOCKS["l2rw_example/label_smoothing.py"].splitlines()) < 30
    assert Path("l2rw_example/records.py").as_posix() in BLOCKS
