"""An experiment's plan file and made-up results of its runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from l2rw.config import parse_config
from l2rw.plan import Plan

SETTINGS = {
    "dataset": "digits",
    "seeds": 3,
    "train_size": 100,
    "clean_size": 4,
    "majority_shares": [0.9, 0.8],
    "methods": ["l2rw", "baseline"],
}


@pytest.fixture
def plan() -> dict[str, Any]:
    """Two methods at two shares, three seeds in jobs of two."""
    raw = {"compute": {"seeds_per_job": 2}, "experiments": {"figure2": SETTINGS}}
    described: dict[str, Any] = json.loads(json.dumps(Plan(parse_config(raw)).describe("figure2")))
    return described


@pytest.fixture
def path_of(plan: dict[str, Any], tmp_path: Path) -> Callable[[int, str], Path]:
    """Return the result file of a job of the plan's i-th cell."""
    return lambda i, job: tmp_path / "runs" / plan["cells"][i]["id"] / f"seed-{job}" / "result.json"


@pytest.fixture
def runs(plan: dict[str, Any], path_of: Callable[[int, str], Path], tmp_path: Path) -> Path:
    """Return the folder of results: cell i errs by i + seed percent."""
    for i, cell in enumerate(plan["cells"]):
        for job, seeds in (("0-1", [0, 1]), ("2", [2])):
            errors = [{"seed": s, "test_error": (i + s) / 100, "test_loss": 1.0} for s in seeds]
            made = {"commit": None, "source": "abc", "device": "cpu", "seconds": 1}
            result = {"cell": {"id": cell["id"]}, "runs": errors, "made": made}
            path_of(i, job).parent.mkdir(parents=True)
            path_of(i, job).write_text(json.dumps(result))
    return tmp_path / "runs"
