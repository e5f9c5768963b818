"""The checks of the theory: simulations, and what is told of them."""

import json
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan

from .conftest import Workspace, run_once

pytestmark = pytest.mark.workflow

# Equally many steps: both experiments share their controls.
THEORY: dict[str, Any] = {
    "name": "theory",
    "targets": ["theorem2", "lemma1"],
    "theory": {"dataset": "digits", "train_size": 60, "clean_size": 10, "trajectories": 4},
    "experiments": {
        "theorem2": {"steps": 300, "limit_fractions": [0.5]},
        "lemma1": {"steps": 300},
    },
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which everything has run once; not to be changed."""
    return run_once(tmp_path_factory, THEORY)


def test_everything_is_made_and_what_experiments_share_is_simulated_once(finished):
    assert Counter(finished.first_run) == {
        "fetch": 1,
        "corrupt": 1,
        "simulate": 3 + 5 - 2,
        "tabulate": 2,
        "draw": 2,
        "metrics": 1,
        "judge": 1,  # and nothing to time
    }
    for experiment in THEORY["targets"]:
        for suffix in ("csv", "md", "tex", "html", "json"):
            assert (finished.results / f"tables/{experiment}.{suffix}").stat().st_size > 0
        for suffix in ("pdf", "svg", "png", "csv", "json"):
            assert (finished.results / f"figures/{experiment}.{suffix}").stat().st_size > 0


def test_every_simulation_leaves_its_files_and_no_others(finished):
    for key, cell in Plan(parse_config(THEORY)).cells.items():
        (folder,) = (finished.results / "runs" / key).iterdir()
        assert folder.name == "seed-0"
        assert {path.name for path in folder.iterdir()} == {
            *("checks.json", "bound.csv", "trajectory.csv")
        }
        checks = json.loads((folder / "checks.json").read_text())
        assert checks["spec"] == vars(cell.spec)


def test_tables_tell_the_verdicts(finished):
    theorem = pd.read_csv(finished.results / "tables/theorem2.csv")
    assert theorem.groupby(["model", "weighting"])["verdict"].unique().map(list).to_dict() == {
        ("huber", "l2rw"): ["not applicable"],
        ("logistic", "ascent"): ["not applicable"],
        ("logistic", "l2rw"): ["uninformative up to T = 300"],
    }
    lemma = pd.read_csv(finished.results / "tables/lemma1.csv")
    seen = lemma[lemma["kind"] == "simulation"].set_index(["model", "weighting", "batches"])
    assert seen["verdict"].to_dict() == {
        ("logistic", "l2rw", "random"): "holds",
        ("logistic", "l2rw", "copies"): "holds",
        ("logistic", "ascent", "random"): "not applicable",
        ("logistic", "unguided", "random"): "not applicable",
        ("huber", "l2rw", "copies"): "not applicable",
    }
    assert seen.loc[("huber", "l2rw", "copies"), "verdict_as_printed"] == "violated"
    applies = seen["verdict"] == "holds"
    assert (seen.loc[applies, "growths"] == 0).all()
    assert (seen.loc[~applies, "growths"] > 0).all()
    for experiment, words in (("theorem2", "uninformative up to T = 300"), ("lemma1", "violated")):
        assert words in (finished.results / f"tables/{experiment}.md").read_text()


def test_the_ledger_judges_the_theory_and_counts_only_what_needs_no_data(finished):
    claims = pd.read_csv(finished.results / "claims.csv").drop_duplicates("claim")
    verdicts = claims.set_index("claim")[["verdict", "scale"]].T.to_dict("list")
    assert verdicts["lemma1-printed"] == ["not reproduced", "no data"]
    assert verdicts["lemma1-corrected"] == ["reproduced", "another"]
    assert verdicts["theorem2"][1] == "another"
    assert claims.set_index("claim").loc["overhead", "missing"] == "bench"
    page = (finished.results / "REPRODUCTION.md").read_text()
    assert "Tested at the paper's scale: 1 of 18 claims of the paper" in page


def test_a_second_run_does_nothing(finished, tmp_path):
    assert finished.copied(tmp_path / "copy").run(THEORY) == []


def test_a_clone_simulates_what_depends_on_a_change_and_nothing_else(finished, tmp_path):
    clone = finished.cloned(tmp_path / "clone")
    experiments = THEORY["experiments"] | {"theorem2": {"steps": 300, "limit_fractions": [0.4]}}
    planned = clone.planned(THEORY | {"experiments": experiments})
    assert planned == ["draw", "judge", "metrics", "simulate", "tabulate"]
