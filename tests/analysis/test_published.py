from importlib.resources import files

import pandas as pd
import pytest

from l2rw.analysis import published
from l2rw.analysis.accuracies import table_of
from l2rw.config.load import parse_config
from l2rw.data.datasets.catalog import CATALOG
from l2rw.methods.rows import parse_row

UNIFORM_OF_ALL = {"name": "uniform_flip", "noise": 0.4, "drawn_from": "all_classes"}


def settings(experiment="mine", **changes):
    """A table of CIFAR-10 as a plan describes it."""
    section = {"kind": "table", "datasets": ["cifar10"], "rows": ["baseline", "gce", "glc"]}
    section |= {"corruptions": ["uniform_flip"]} | changes
    config = parse_config({"experiments": {experiment: section}, "targets": [experiment]})
    shared = {"noisy_labels": config.noisy_labels.model_dump(mode="json")}
    return config.experiments[experiment].model_dump(mode="json") | shared


def test_every_number_is_of_a_data_set_and_a_row_that_are_known():
    with (files("l2rw.analysis") / "published.csv").open() as file:
        table = pd.read_csv(file, keep_default_na=False)
    assert set(table["dataset"]) <= set(CATALOG)
    assert set(table["corruption"]) == set(published.MEANT)
    for row in table["row"]:
        assert str(parse_row(row)) == row
    assert table["accuracy"].between(30, 100).all()
    assert (table["source"] != "").all()
    assert not table.duplicated(["dataset", "corruption", "row", "source"]).any()


def test_a_row_has_the_numbers_of_all_sources_each_with_its_mark():
    table = published.numbers("mine", settings(), ["cifar10"])
    texts = published.column(table, "cifar10", ["baseline", "gce", "glc", "mixup"])
    assert texts == ["77.52 (b), 56.8 (c)", "87.31 (b)", "88.28 (a)", ""]


def test_what_differs_is_said():
    (sources, differ) = published.notes("mine", settings(), ["cifar10"])
    assert "(a) Xu et al. 2021 (FaMUS), Table 5, WRN-28-10, best epoch" in sources
    assert "of b, c, d the network (WRN-28-10 here)" in differ
    assert "36 % there" in differ
    assert "schedule" in differ
    same_noise = settings(corruptions=[UNIFORM_OF_ALL], training={"model": "resnet8"})
    (_, differ) = published.notes("mine", same_noise, ["cifar10"])
    assert "of a, b, c, d the network (ResNet-8 here)" in differ
    assert "36 %" not in differ


@pytest.mark.parametrize(
    "other",
    [
        {"corruptions": [UNIFORM_OF_ALL | {"noise": 0.2}]},
        {"corruptions": ["background_flip"]},
        {"corruptions": ["uniform_flip", "background_flip"]},
        {"corruptions": [{"name": "long_tail", "imbalance": 50, "clean_size": 100}]},
        {"rows": ["mixup"]},
    ],
)
def test_nothing_stands_beside_other_settings(other):
    assert published.numbers("mine", settings(**other), ["cifar10"]).empty
    assert published.notes("mine", settings(**other), ["cifar10"]) == []


def test_tables_whose_rows_the_paper_has_need_no_others():
    paper = settings("table1", rows=["baseline", "l2rw"])
    assert published.numbers("table1", paper, ["cifar10"]).empty
    assert not published.numbers("table1", settings("table1"), ["cifar10"]).empty


def test_the_table_has_them_last():
    runs = pd.DataFrame(
        [
            {"dataset": "cifar10", "row": row, "seed": seed, "test_error": 0.2, "weight_auc": 0.5}
            for row in ("baseline", "gce")
            for seed in (0, 1)
        ]
    )
    drawing = table_of("mine", settings())
    table = drawing.format_table(drawing.summary(runs))
    assert list(table.columns)[-1] == ("CIFAR-10", "published elsewhere")
    assert list(table.iloc[:, -1]) == ["77.52 (b), 56.8 (c)", "87.31 (b)"]
