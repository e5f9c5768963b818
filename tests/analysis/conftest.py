"""Plan files and made-up results of their runs."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from tests.plans import made_up_cell, made_up_plan

from l2rw.config.load import parse_config
from l2rw.config.paper import BACKGROUND, EXPERIMENTS, UNIFORM
from l2rw.config.sections import Detectors, Suspects, Sweep, Table
from l2rw.planning.plan import Plan
from l2rw.store.checksums import read_result, with_checksums
from l2rw.store.seeds import format_seeds
from l2rw.training.plan_file import PlanFile

SETTINGS = {
    "dataset": "digits",
    "seeds": 3,
    "train_size": 100,
    "clean_size": 4,
    "majority_shares": [0.9, 0.8],
    "methods": ["l2rw", "baseline"],
}
OWN = {
    "my_suspects": Suspects(),
    "my_detectors": Detectors(),
    "my_table": Table(corruptions=(UNIFORM, BACKGROUND)),
    "my_sweep": Sweep(sweep={"model": ("resnet32", "wrn28_10")}),
}
"""Experiments under names of a user's own."""


@pytest.fixture
def plan() -> PlanFile:
    """Two methods at two shares, three seeds in jobs of two."""
    raw = {"compute": {"seeds_per_job": 2}, "experiments": {"figure2": SETTINGS}}
    return Plan(parse_config(raw)).describe("figure2")


@pytest.fixture
def path_of(plan: PlanFile, tmp_path: Path) -> Callable[[int, str], Path]:
    """Return the result file of a job of the plan's i-th cell."""
    return lambda i, job: tmp_path / "runs" / plan.cells[i].id / f"seed-{job}" / "result.json"


@pytest.fixture
def runs(plan: PlanFile, path_of: Callable[[int, str], Path], tmp_path: Path) -> Path:
    """Return the folder of results: cell i errs by i + seed percent."""
    for i, cell in enumerate(plan.cells):
        for job, seeds in (("0-1", [0, 1]), ("2", [2])):
            errors = [{"seed": s, "test_error": (i + s) / 100, "test_loss": 1.0} for s in seeds]
            made = {
                "commit": None,
                "source": "abc",
                "device": "cpu",
                "precision": "float32",
                "seconds": 1,
            }
            result = {"cell": cell.to_json(), "runs": errors, "made": made}
            path_of(i, job).parent.mkdir(parents=True)
            path_of(i, job).write_text(json.dumps(with_checksums(result, [])))
    return tmp_path / "runs"


LOOKS: dict[str, dict[str, Any]] = {
    "probe": {},
    "detectors": {
        "sgd_run_seconds": 8.0,
        "seconds": [
            {"seed": seed, "part": part, "detector": detector, "seconds": 2.0 + seed}
            for seed in range(3)
            for part in ("validation", "train")
            for detector in ("loss", "weight")
        ],
    },
}
"""What is written beside files of jobs that look by trained networks."""


def _seal(folder: Path, result: dict[str, Any]) -> None:
    """Write a job's ``result.json`` beside its finished files, and the records of looks."""
    files = list(folder.glob("*.csv"))
    (folder / "result.json").write_text(json.dumps(with_checksums(result, files)))
    for name, told in LOOKS.items():
        if (file := folder / f"{name}.csv") in files:
            record = with_checksums(told, [file])
            file.with_suffix(".json").write_text(json.dumps(record))


@pytest.fixture(scope="session")
def reseal() -> Callable[..., None]:
    """Return what makes changed files of a job pass for what it wrote."""

    def reseal(folder: Path, **changes: Any) -> None:
        _seal(folder, read_result(folder / "result.json") | changes)

    return reseal


Setting = dict[str, Any]
MADE = {"commit": "c0ffee", "source": "abc", "device": "cpu", "precision": "float32", "seconds": 1}


@pytest.fixture(scope="session")
def make_up_in() -> Callable[..., tuple[PlanFile, Path]]:
    """Return what makes up an experiment in a folder: a plan file, and the folder of its results.

    All seeds of a cell are in one job. ``result`` says what a run has in ``result.json`` beside
    seed and test error, ``lines`` what lines it has in the file ``name``, each of (setting, seed).
    """

    def make_up_in(
        folder: Path,
        experiment: str,
        settings: list[Setting],
        seeds: int = 3,
        result: Callable[[Setting, int], dict[str, Any]] = lambda setting, seed: {},
        name: str = "metrics.csv",
        lines: Callable[[Setting, int], list[dict[str, Any]]] | None = None,
    ) -> tuple[PlanFile, Path]:
        cells = [
            made_up_cell(f"split/{i}", setting, [range(seeds)])
            for i, setting in enumerate(settings)
        ]
        for cell, setting in zip(cells, settings, strict=True):
            of_job = folder / "runs" / cell.id / f"seed-{format_seeds(range(seeds))}"
            of_job.mkdir(parents=True)
            runs = [
                {"seed": seed, "test_error": 0.5, "test_loss": 1.0, **result(setting, seed)}
                for seed in range(seeds)
            ]
            if lines:
                of_all = [
                    {"seed": seed, **line} for seed in range(seeds) for line in lines(setting, seed)
                ]
                pd.DataFrame(of_all).to_csv(of_job / name, index=False)
            result_of_job = {"cell": cell.to_json(), "runs": runs, "made": MADE}
            _seal(of_job, result_of_job)
        known = (EXPERIMENTS | OWN).get(experiment)
        shown = known.model_dump(mode="json") if known else {}
        return made_up_plan(experiment, cells, seeds=seeds, settings=shown), folder / "runs"

    return make_up_in


@pytest.fixture
def make_up(make_up_in: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Return the same for a temporary folder."""
    return partial(make_up_in, tmp_path)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")
