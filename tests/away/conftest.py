"""Two seeds of a baseline, of its fine-tuning and of L2RW on digits, as a plan file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.training.plan_file import PlanFile, read_plan

SHORT = {"steps": 4, "batch_size": 10, "clean_batch_size": 5, "decay_at": [3], "evaluations": 2}


def write_plan(steps: int = 4, seeds: int = 2, **compute: Any) -> Path:
    """Write the plan file below the present folder, as `snakemake -n` does."""
    training = SHORT | {"model": "resnet_8x8", "steps": steps, "decay_at": [steps - 1]}
    raw = {
        "name": "tiny",
        "targets": ["table2"],
        "compute": {"device": "cpu", "checkpoint_seconds": 3600, **compute},
        "noisy_labels": {
            "seeds": seeds,
            "validation_size": 60,
            "fine_tuning_steps": 4,
            "background_flip": {
                "clean_per_class": 1,
                "background_classes": {"digits": [0, 1]},
                "training": training,
            },
        },
        "experiments": {"table2": {"datasets": ["digits"], "rows": ["baseline+ft", "l2rw"]}},
    }
    config = parse_config(raw)
    plan = Plan(config)
    plan.create(config.results)
    return config.results / "plan" / plan.file("table2")


@pytest.fixture
def lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the machine without Snakemake, which is the present one."""
    folder = tmp_path / "lent"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def plan(lent: Path) -> PlanFile:
    """What the plan file holds."""
    return read_plan(write_plan())


def with_parent(path: Path, **changes: Any) -> Path:
    """Write a plan file whose parent is changed, dataset or settings of runs; return its place."""
    plan = read_plan(path)
    (parent,) = plan.parents
    if "dataset" not in changes:
        changes = {"spec": replace(parent.run_spec, **changes)}
    changed = replace(plan, parents=(replace(parent, **changes),))
    changed.write(path.parent)
    return path.with_name(changed.file_name)
