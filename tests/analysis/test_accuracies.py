import numpy as np
import pytest

from l2rw.analysis.accuracies import Accuracies
from l2rw.analysis.collect import collect

TABLE2 = Accuracies("table2")
SANITY = Accuracies("sanity", line=("model", "row"))


def _result(setting, seed):
    """Err by 10, 11, 12 % on CIFAR-10, by 20, 21, 22 % elsewhere."""
    error = (10 if setting["dataset"] == "cifar10" else 20) + seed
    auc = 0.8 + seed / 10 if setting["row"] == "l2rw" else None
    return {"test_error": error / 100, "weight_auc": auc}


@pytest.fixture
def plan_and_runs(make_up):
    rows = ("random+es", "l2rw", "baseline")  # the first is none of the paper's
    settings = [{"dataset": d, "row": row} for d in ("cifar10", "digits") for row in rows]
    return make_up("table2", settings, result=_result)


@pytest.fixture
def summary(plan_and_runs):
    return TABLE2.summary(collect(*plan_and_runs))


def _of(summary, dataset):
    return summary[summary["dataset"] == dataset].set_index("row")


def test_the_summary_has_the_documented_columns(summary):
    assert list(summary) == [
        *("dataset", "row", "accuracy_percent", "ci95_half_width", "seeds"),
        *("paper_accuracy_percent", "paper_ci95_half_width"),
        *("difference_points", "difference_ci95_half_width", "agreement"),
        *("quoted", "weight_auc"),
    ]


def test_ours_stands_beside_the_papers(summary):
    l2rw = _of(summary, "cifar10").loc["l2rw"]
    assert l2rw["accuracy_percent"] == pytest.approx(89)
    assert l2rw["ci95_half_width"] == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert l2rw["seeds"] == 3
    assert l2rw["paper_accuracy_percent"] == 86.73
    assert l2rw["paper_ci95_half_width"] == 0.48
    assert l2rw["weight_auc"] == pytest.approx(0.9)
    assert _of(summary, "cifar10").drop("l2rw")["weight_auc"].isna().all()


@pytest.mark.parametrize(
    ("errors", "agreement"),
    [((12, 13, 14), "agrees"), ((10, 10.1, 9.9), "higher"), ((20, 20.1, 19.9), "lower")],
)
def test_a_cell_agrees_or_is_higher_or_lower(make_up, errors, agreement):
    def result(setting, seed):
        return {"test_error": errors[seed] / 100}

    settings = [{"dataset": "cifar10", "row": "l2rw"}]
    summary = TABLE2.summary(collect(*make_up("table2", settings, result=result)))
    l2rw = _of(summary, "cifar10").loc["l2rw"]
    assert l2rw["difference_points"] == pytest.approx(100 - np.mean(errors) - 86.73)
    assert l2rw["agreement"] == agreement
    assert summary["agreement"].count() == 1


def test_rows_are_in_the_papers_order_and_the_others_last(summary):
    rows = list(_of(summary, "cifar10").index)
    assert rows[:3] == ["baseline", "baseline+es", "random"]
    assert rows[-2:] == ["l2rw", "random+es"]
    assert len(rows) == 16 + 1
    assert list(_of(summary, "digits").index) == ["baseline", "l2rw", "random+es"]


def test_rows_that_were_not_run_count_no_seeds(summary):
    weighted = _of(summary, "cifar10").loc["weighted"]
    assert weighted["seeds"] == 0
    assert np.isnan(weighted["accuracy_percent"])
    assert weighted["paper_accuracy_percent"] == 79.17


def test_a_data_set_that_the_paper_has_not_has_no_numbers_of_the_paper(summary):
    digits = _of(summary, "digits")
    assert digits[["paper_accuracy_percent", "paper_ci95_half_width"]].isna().all(axis=None)
    assert list(digits["accuracy_percent"]) == pytest.approx([79] * 3)


def test_the_table_for_people_shows_both(summary):
    table = TABLE2.format_table(summary)
    assert list(table.columns) == [
        ("", "told"),
        *(("CIFAR-10", name) for name in ("ours", "paper", "difference", "seeds")),
        *(("digits", name) for name in ("ours", "seeds")),
    ]
    ours, theirs = "89.00 ± 2.48", "79.00 ± 2.48"
    l2rw = ["clean images", ours, "86.73 ± 0.48", "+2.27 ± 2.24, higher", "3", theirs, "3"]
    assert table.loc["L2RW"].tolist() == l2rw
    assert table.loc["Weighted"].tolist() == [
        "true labels",
        "–",
        "79.17 ± 1.36",
        "–",
        "–",
        "–",
        "–",
    ]
    assert table.loc["Random +ES"].tolist() == ["nothing", ours, "–", "–", "3", theirs, "3"]
    group = list(table.loc[:, ("", "told")])
    assert group == [
        *["nothing"] * 3,
        "true labels",
        *["nothing"] * 2,
        "noise rate",
        *["nothing"] * 2,
        *["clean images"] * 3,
        "true labels, clean images",
        *["clean images"] * 3,
        "nothing",
    ]


def test_quoted_rows_are_told_and_numbers_without_interval_stay_as_printed(make_up):
    plan, runs = make_up("table1", [{"dataset": "cifar100", "row": "baseline"}], seeds=1)
    table1 = Accuracies("table1")
    summary = table1.summary(collect(plan, runs))
    assert list(summary[summary["quoted"]]["row"]) == ["mentornet", "mentornet+ft"]
    table = table1.format_table(summary)
    assert table.index[3] == "MentorNet (quoted)"
    assert table.loc["MentorNet +FT (quoted)"].tolist() == ["clean images", "–", "59", "–", "–"]
    # A single seed has no interval and decides nothing.
    assert table.loc["Baseline"].tolist() == ["nothing", "50.00", "50.66 ± 0.24", "-0.66", "1"]


def test_the_sanity_check_has_a_line_for_each_network(make_up):
    settings = [
        {"dataset": "cifar10", "model": model, "row": "baseline"}
        for model in ("wrn28_10", "resnet32", "resnet_8x8")
    ]
    plan, runs = make_up("sanity", settings, result=_result)
    summary = SANITY.summary(collect(plan, runs))
    assert list(summary["model"]) == ["resnet32", "wrn28_10", "resnet_8x8"]
    table = SANITY.format_table(summary)
    # The paper gives no interval here: ours has to reach its number.
    assert table.loc["ResNet-32"].tolist() == [
        *("nothing", "89.00 ± 2.48", "92.5", "-3.50 ± 2.48, lower", "3")
    ]
    assert table.loc["ResNet 8×8"].tolist() == ["nothing", "89.00 ± 2.48", "–", "–", "3"]
    (axes,) = SANITY.draw(summary, plan.settings).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["ResNet-32", "WRN-28-10", "ResNet 8×8"]


def test_the_figure_has_a_panel_for_each_data_set_and_a_line_for_each_row(summary, plan_and_runs):
    figure = TABLE2.draw(summary, plan_and_runs[0].settings)
    cifar, digits = figure.axes
    assert (cifar.get_title(), digits.get_title()) == ("CIFAR-10", "digits")
    labels = [label.get_text() for label in cifar.get_yticklabels()]
    assert labels == list(TABLE2.format_table(summary).index)
    ours, theirs = (bar.lines[0].get_xdata() for bar in cifar.containers)
    assert ours[labels.index("L2RW")] == pytest.approx(89)
    assert theirs[labels.index("L2RW")] == 86.73
    assert np.isnan(ours[labels.index("Weighted")])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ours", "paper"]


def test_a_figure_without_numbers_of_the_paper_needs_no_legend(make_up):
    plan, runs = make_up("table2", [{"dataset": "digits", "row": "l2rw"}], seeds=1)
    summary = TABLE2.summary(collect(plan, runs))
    assert list(TABLE2.format_table(summary)["digits"].columns) == ["ours", "seeds"]
    figure = TABLE2.draw(summary, plan.settings)
    assert not figure.legends
    (axes,) = figure.axes
    (bar,) = axes.containers
    assert list(bar.lines[0].get_ydata()) == [0]


@pytest.mark.parametrize(
    ("untrusted", "called"),
    [
        ([], "Test accuracy (%)"),
        (["digits"], "Test accuracy or agreement with given test labels (%)"),
        (["digits", "cifar10"], "Agreement with given test labels (%)"),
    ],
)
def test_what_agrees_with_doubtful_labels_is_not_called_accurate(summary, untrusted, called):
    drawn = Accuracies("table2", settings={"untrusted_tests": untrusted})
    assert drawn.format_table(summary).index.name == called
    axes = drawn.draw(summary, {}).axes
    assert [one.get_xlabel().startswith("Test accuracy") for one in axes] == [
        dataset not in untrusted for dataset in ("cifar10", "digits")
    ]


def test_no_figure_shows_less_than_nothing_or_more_than_all(summary):
    wide = summary.assign(ci95_half_width=200.0)
    for axes in TABLE2.draw(wide, {}).axes:
        assert axes.get_xlim() == (0.0, 101.0)
