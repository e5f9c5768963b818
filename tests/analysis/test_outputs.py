import json
import re

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from tests.analysis.conftest import OWN
from tests.analysis.simulated import ASCENT, BEYOND, UNGUIDED, make_up_simulations, place

from l2rw.analysis.outputs import draw, drawing_of, tabulate
from l2rw.analysis.style import FORMATS
from l2rw.config.kinds import KINDS
from l2rw.config.paper import EXPERIMENTS

SETTINGS = {
    "figure2": [{"majority_share": share, "row": "l2rw"} for share in (0.8, 0.9)],
    "table1": [{"dataset": "cifar10", "row": row} for row in ("l2rw", "random")],
    "table2": [{"dataset": dataset, "row": "weighted"} for dataset in ("cifar100", "digits")],
    "sanity": [{"dataset": "cifar10", "model": "resnet32", "row": "baseline"}],
    "figure3": [{"row": "l2rw"}],
    "figure4": [{"clean_size": size, "row": "l2rw"} for size in (15, 100)],
    "figure5": [{"noise": noise, "row": "baseline+ft"} for noise in (0.0, 0.4)],
    "figure6": [{"corruption": "uniform_flip", "row": row} for row in ("baseline", "l2rw")],
    "figure7": [{"row": row} for row in ("baseline", "l2rw")],
    "theorem2": [place(), place(limit_fraction=0.9), ASCENT, BEYOND],
    "lemma1": [place(limit_fraction=1.0), ASCENT, UNGUIDED, BEYOND],
    "gradient_norm": [
        {"corruption": corruption, "network": network, "row": "l2rw"}
        for corruption, network in (("imbalance", "lenet"), ("background_flip", "resnet32"))
    ],
    "my_suspects": [{"row": row} for row in ("baseline", "l2rw")],
    "my_detectors": [{"row": row} for row in ("baseline", "l2rw")],
    "my_table": [
        {"dataset": "digits", "corruption": corruption, "row": "l2rw"}
        for corruption in ("uniform_flip", "background_flip")
    ],
    "my_sweep": [{"model": model, "row": "l2rw"} for model in ("resnet32", "wrn28_10")],
}
SIMULATED = ("theorem2", "lemma1")
"""These have a single seed each."""


def _result(setting, seed):
    confusion = [[7 + seed, 3], [1, 9]]
    auc = None if seed else 0.7
    return {
        "test_error": 0.1 / 3 + seed / 7,
        "confusion": confusion,
        "weight_auc": auc,
        "estimated_wrong": 4 + seed,
    }


def _probe(setting, seed):
    return [
        {"panel": panel, "batch": 0, "image": i, "clean": bool(i % 2), "weight": i * 0.7 + seed / 3}
        for panel in ("mixed", "single class")
        for i in range(4)
    ]


def _suspects(setting, seed):
    return [{"image": i, "clean": int(i > 2 + seed)} for i in range(10)]


def _detectors(setting, seed):
    return [
        {
            "part": part,
            "image": i,
            "given_label": 0,
            "clean": int(i > 2 + seed),
            "loss": -i % 7,
            "weight": -i if setting["row"] == "l2rw" else None,
        }
        for part in ("validation", "train")
        for i in range(10)
    ]


def _metrics(setting, seed):
    errors = dict.fromkeys(("train_error", "validation_error", "test_error"), 0.1 / 3 + seed / 7)
    return [
        {"step": step, "learning_rate": 0.1, "squared_clean_gradient": (seed + 1) / step, **errors}
        for step in (100, 200)
    ]


@pytest.fixture(
    scope="module",
    params=[
        *((name, 1) for name in SETTINGS),
        *((name, 3) for name in SETTINGS if name not in SIMULATED),
    ],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def experiment_and_seeds(request):
    return request.param


@pytest.fixture(scope="module")
def experiment(experiment_and_seeds):
    return experiment_and_seeds[0]


@pytest.fixture(scope="module")
def seeds(experiment_and_seeds):
    return experiment_and_seeds[1]


@pytest.fixture(scope="module")
def made(experiment, seeds, make_up_in, tmp_path_factory):
    """Return an experiment's plan, its results, and the folders of its tables and figures."""
    folder, settings = tmp_path_factory.mktemp(experiment), SETTINGS[experiment]
    if experiment in SIMULATED:
        plan, runs = make_up_simulations(folder, experiment, settings)
    else:
        files = {
            "figure3": ("probe.csv", _probe),
            "my_suspects": ("suspects.csv", _suspects),
            "my_detectors": ("detectors.csv", _detectors),
        }
        file = files.get(experiment, ("metrics.csv", _metrics))
        plan, runs = make_up_in(folder, experiment, settings, seeds, _result, *file)
    tables, figures = folder / "tables", folder / "figures"
    _write(plan, runs, tables, figures)
    return plan, runs, tables, figures


def _write(plan, runs, tables, figures):
    tables.mkdir()
    figures.mkdir()
    tabulate(plan, runs, tables)
    draw(plan, tables / f"{plan.experiment}.csv", figures)
    plt.close("all")


def test_every_experiment_is_configured_and_drawn_here():
    assert list(SETTINGS) == [*EXPERIMENTS, *OWN]
    assert {section.kind for section in [*EXPERIMENTS.values(), *OWN.values()]} == set(KINDS)


def test_every_experiment_has_a_table_and_a_figure_in_every_format(experiment, made):
    _, _, tables, figures = made
    formats = ("csv", "md", "html", "tex", "json")
    assert {path.name for path in tables.iterdir()} == {f"{experiment}.{s}" for s in formats}
    formats = (*FORMATS, "csv", "json")
    assert {path.name for path in figures.iterdir()} == {f"{experiment}.{s}" for s in formats}
    for suffix in FORMATS:
        assert (figures / f"{experiment}.{suffix}").stat().st_size > 1000


def test_equal_results_give_equal_files(experiment, made, tmp_path):
    plan, runs, *folders = made
    again = [tmp_path / "again", tmp_path / "again-figures"]
    _write(plan, runs, *again)
    for one, two in zip(folders, again, strict=True):
        for path in one.iterdir():
            assert path.read_bytes() == (two / path.name).read_bytes()
            assert b"CreationDate" not in path.read_bytes()


def test_the_figures_numbers_are_those_of_the_runs_to_the_last_digit(experiment, made):
    plan, runs, _, figures = made
    drawing = drawing_of(experiment, plan.settings)
    written = pd.read_csv(figures / f"{experiment}.csv")
    expected = drawing.summary(drawing.collect(plan, runs))
    pd.testing.assert_frame_equal(written, expected, check_exact=True, check_dtype=False)


def test_tables_for_people_have_caption_and_cells(experiment, made):
    plan, runs, tables, _ = made
    drawing = drawing_of(experiment, plan.settings)
    read = drawing.format_table(drawing.summary(drawing.collect(plan, runs)))
    markdown = (tables / f"{experiment}.md").read_text()
    page = (tables / f"{experiment}.html").read_text()
    assert plan.caption in markdown
    assert plan.caption.replace("&", "&amp;") in page
    for cell in [*read.index, *read.to_numpy().flat]:
        assert cell in markdown
        assert cell in page


def test_latex_tables_are_well_formed(experiment, seeds, made):
    _, _, tables, _ = made
    text = (tables / f"{experiment}.tex").read_text()
    assert r"\caption{Accuracy (\%) of A \& B\_c" in text
    assert rf"\label{{tab:{experiment.replace('_', '-')}}}" in text
    if seeds > 1 and experiment != "gradient_norm":
        assert r"$\pm$" in text
    bare = re.sub(r"\\[&%$#_{}]", "", text.partition("\n")[2])
    assert not re.search("[%#_]", bare)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    columns = len(re.search(r"\\begin{tabular}{(\w+)}", text).group(1))
    for row in re.findall(r"^(.*) \\\\$", bare, re.MULTILINE):
        spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn{(\d+)}", row))
        assert row.count("&") + 1 + spanned == columns
    for environment in ("table", "tabular"):
        assert text.count(rf"\begin{{{environment}}}") == 1
        assert text.count(rf"\end{{{environment}}}") == 1
    assert text.isascii()


def test_the_record_says_which_plan_and_which_runs_made_the_table(experiment, seeds, made):
    plan, _, tables, figures = made
    record = json.loads((tables / f"{experiment}.json").read_text())
    runs = seeds * len(SETTINGS[experiment])
    assert record["plan"] == plan.digest
    assert record["seeds"] == list(plan.seeds)
    assert record["settings"] == plan.settings
    assert record["caption"] == plan.caption
    assert record["runs_by"] == {
        "commit": {"c0ffee": runs},
        "source": {"abc": runs},
        "device": {"cpu": runs},
        "precision": {"float64" if experiment in SIMULATED else "float32": runs},
    }
    assert json.loads((figures / f"{experiment}.json").read_text())["plan"] == plan.digest


def test_what_is_not_known_of_a_run_is_said(plan, runs, tmp_path):
    tabulate(plan, runs, tmp_path)
    record = json.loads((tmp_path / "figure2.json").read_text())
    assert record["runs_by"]["commit"] == {"unknown": 12}


def test_tables_tell_what_to_know_of_the_papers_numbers(make_up, tmp_path):
    plan, runs = make_up("table1", SETTINGS["table1"])
    tabulate(plan, runs, tmp_path)
    for suffix in ("md", "html", "tex"):
        assert "quoted from Jiang et al." in (tmp_path / f"table1.{suffix}").read_text()
