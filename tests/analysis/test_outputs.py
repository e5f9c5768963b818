import json

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from l2rw.analysis import figure2
from l2rw.analysis.collect import collect
from l2rw.analysis.outputs import DRAWN_BY, draw, tabulate
from l2rw.config import Experiments


@pytest.fixture
def folder(plan, runs, tmp_path):
    tabulate(plan, runs, tmp_path)
    return tmp_path


def test_every_experiment_is_drawn():
    assert set(DRAWN_BY) == set(Experiments.model_fields)


def test_the_table_is_written_for_programs_and_for_people(plan, runs, folder):
    table = collect(plan, runs)
    written = pd.read_csv(folder / "figure2.csv")
    assert list(written["test_error"]) == list(table["test_error"])
    for suffix in ("md", "html"):
        text = (folder / f"figure2.{suffix}").read_text()
        for part in (plan["caption"], "Baseline", "4.00 ± 2.48"):
            assert part in text


def test_the_record_says_which_plan_and_which_runs_made_the_table(plan, folder):
    record = json.loads((folder / "figure2.json").read_text())
    assert record["plan"] == plan["digest"]
    assert record["seeds"] == [0, 1, 2]
    assert record["settings"] == plan["settings"]
    assert record["caption"] == plan["caption"]
    assert record["runs_by"] == {
        "commit": {"unknown": 12},
        "source": {"abc": 12},
        "device": {"cpu": 12},
    }


def test_the_figure_comes_with_its_numbers_and_its_record(plan, runs, folder):
    figures = folder / "figures"
    figures.mkdir()
    draw(plan, folder / "figure2.csv", figures)
    plt.close("all")
    names = {f"figure2.{suffix}" for suffix in ("pdf", "svg", "png", "csv", "json")}
    assert {path.name for path in figures.iterdir()} == names
    assert json.loads((figures / "figure2.json").read_text())["plan"] == plan["digest"]
    drawn = pd.read_csv(figures / "figure2.csv")
    expected = figure2.summary(collect(plan, runs))
    pd.testing.assert_frame_equal(drawn, expected, check_exact=True)
