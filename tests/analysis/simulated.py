"""Made-up simulations: what they leave, and the plan files that ask for them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from tests.plans import made_up_cell, made_up_plan

from l2rw.store.checksums import with_checksums
from l2rw.store.identity import plain
from l2rw.theory.spec import SimulationSpec
from l2rw.training.plan_file import PlanFile

Setting = dict[str, Any]
SPEC = SimulationSpec("logistic", "l2rw", 0.5, 4, 16, 3, aligned=False)
MADE = {"commit": "c0ffee", "source": "abc", "versions": {}, "seconds": 1}


def place(
    weighting: str = "l2rw",
    limit_fraction: float = 0.5,
    model: str = "logistic",
    batches: str = "random",
) -> Setting:
    """Return where a simulation stands in its experiment."""
    return {
        "model": model,
        "weighting": weighting,
        "batches": batches,
        "limit_fraction": limit_fraction,
    }


ASCENT, UNGUIDED = place("ascent"), place("unguided")
BEYOND = place(limit_fraction=2.0, model="huber", batches="copies")


def is_control(setting: Setting) -> bool:
    return setting["weighting"] != "l2rw" or setting["limit_fraction"] > 1


def checks_of(setting: Setting) -> dict[str, Any]:
    """Return what is in ``checks.json``, but for what made it: controls fail."""
    control = is_control(setting)
    comparison = {
        "constant": 2.0,
        "observed": "violated at T = 4" if control else "below the bound",
        "informative_from": 5,
        "smallest_ratio": 0.5 if control else 3.25,
        "smallest_ratio_at": 16000,
    }
    return {
        "theorem2": {
            "verdict": "not applicable" if control else "holds",
            "corrected": comparison,
            "sharper": {"observed": "undecided", "smallest_ratio": 1.5},
        },
        "lemma1": {
            "verdict": "not applicable" if control else "holds",
            "verdict_as_printed": "violated" if setting["limit_fraction"] > 1 else "holds",
            "steps": 1600,
            "growths": 400 if control else 0,
            "largest_growth": 0.125 if control else 0.0,
        },
        "links": {
            "descent_share": None if control else 0.5,
            "budget_share": None if control else 0.25,
            "gradient": {"mean": 20.5},
            "jensen": {"mean": 1.0625},
        },
        "search": {"steps": 1000, "failures": 25},
    }


def bound_of(setting: Setting) -> list[dict[str, Any]]:
    """Return the lines of ``bound.csv``: C is 2, ‖∇G‖² is 1 / (1 + T), in controls always 1."""
    control = is_control(setting)
    lines = []
    for step in (0, 1, 4, 16):
        seen = 1.0 if control else 1 / (1 + step)
        best = 2 / step**0.5 if step else None
        bound = None if control else best
        lines.append(
            {
                "step": step,
                "mean": seen,
                "lower": 0.9 * seen,
                "upper": 1.1 * seen,
                "running_min": seen,
                "bound": bound,
                "bound_sharper": bound and bound / 2,
                "bound_printed": bound,
                "bound_best": best,
            }
        )
    return lines


def seal(folder: Path, checks: dict[str, Any]) -> None:
    """Write ``checks.json`` beside a finished ``bound.csv``."""
    content = with_checksums(checks, [folder / "bound.csv"])
    (folder / "checks.json").write_text(json.dumps(content))


def make_up_simulations(
    folder: Path,
    experiment: str,
    settings: list[Setting],
    checks: Callable[[Setting], dict[str, Any]] = checks_of,
    bound: Callable[[Setting], list[dict[str, Any]]] = bound_of,
) -> tuple[PlanFile, Path]:
    """Make up an experiment in a folder; return its plan file and the folder of its results."""
    cells = [
        made_up_cell(f"split/{i}", setting, spec=replace(SPEC, steps=16 + i))
        for i, setting in enumerate(settings)
    ]
    for cell, setting in zip(cells, settings, strict=True):
        of_job = folder / "runs" / cell.id / "seed-0"
        of_job.mkdir(parents=True)
        pd.DataFrame(bound(setting)).to_csv(of_job / "bound.csv", index=False)
        about = {"spec": plain(cell.spec), "seed": 0, "made": MADE}
        seal(of_job, about | checks(setting))
    return made_up_plan(experiment, cells, settings={"kind": experiment}), folder / "runs"
