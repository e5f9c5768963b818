import json
import os

import numpy as np
import pytest

from l2rw.cli import main
from l2rw.config import parse_config
from l2rw.data.sources import Dataset
from l2rw.data.splits import Split
from l2rw.plan import Plan


@pytest.fixture
def plan_file(tmp_path):
    small = {"dataset": "digits", "train_size": 60, "clean_size": 6, "majority_shares": [0.8]}
    plan = Plan(parse_config({"experiments": {"figure2": small}}))
    plan.write(tmp_path)
    return tmp_path / "plan" / plan.file("figure2")


def test_fetch_and_corrupt_write_a_data_set_and_a_split_of_it(tmp_path, plan_file):
    data, split = tmp_path / "deep" / "digits.npz", tmp_path / "deeper" / "split.npz"
    assert main(["fetch", "digits", "--offline", "--out", os.fspath(data)]) == 0
    (split_id,) = {cell["split"] for cell in json.loads(plan_file.read_text())["cells"]}
    arguments = ["--plan", plan_file, "--split", split_id, "--seed", "3"]
    where = ["--data", data, "--out", split]
    assert main(["corrupt", *map(str, arguments + where)]) == 0
    labels = Dataset.load(data).train_labels
    assert np.unique(labels[Split.load(split).train.indices]).tolist() == [4, 9]


def test_a_mistake_is_one_line_with_a_hint_and_exit_code_2(tmp_path, plan_file, capsys):
    arguments = ["--plan", plan_file, "--split", "nonsense", "--seed", "0"]
    where = ["--data", tmp_path / "data.npz", "--out", tmp_path / "split.npz"]
    assert main(["corrupt", *map(str, arguments + where)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert "'nonsense'" in line
    assert " Hint: " in line
    assert not (tmp_path / "split.npz").exists()
