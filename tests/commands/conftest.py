"""Plan files of small configurations, and what is drawn by them."""

import json

import pytest

from l2rw.commands.main import main
from l2rw.config.load import parse_config
from l2rw.data.splits import Split
from l2rw.planning.plan import Plan


def write_plan(folder, experiment, section, **shared):
    experiments = {experiment: section}
    raw = {"targets": [experiment], "experiments": experiments, "noisy_labels": shared}
    plan = Plan(parse_config(raw))
    plan.create(folder)
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
