import numpy as np
import pytest
from tests.analysis.simulated import ASCENT, BEYOND, UNGUIDED, make_up_simulations, place

from l2rw.analysis import lemma1
from l2rw.store.provenance import PACKAGES_THAT_COMPUTE, source_hash

AT_LIMIT, ON_COPIES = place(limit_fraction=1.0), place(limit_fraction=1.0, batches="copies")


@pytest.fixture
def plan_and_runs(tmp_path):
    settings = [AT_LIMIT, ON_COPIES, ASCENT, UNGUIDED, BEYOND]
    return make_up_simulations(tmp_path, "lemma1", settings)


@pytest.fixture
def summary(plan_and_runs):
    return lemma1.summary(lemma1.collect(*plan_and_runs))


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def test_simulations_come_first_and_then_the_counterexample(plan_and_runs):
    table = lemma1.collect(*plan_and_runs)
    assert list(table) == [
        *("kind", "model", "weighting", "batches", "limit_fraction"),
        *("verdict", "verdict_as_printed", "steps", "growths", "largest_growth"),
        *("tried", "failed"),
        *("commit", "source", "cell", "seed", "device", "precision"),
        *("batch_size", "start_loss", "loss_as_printed", "loss"),
    ]
    assert table["kind"].tolist() == ["simulation"] * 5 + ["counterexample"] * 63
    assert table["growths"][:5].tolist() == [0, 0, 400, 400, 400]
    assert table["failed"][:5].tolist() == [25] * 5
    assert table["cell"][:5].tolist() == [f"split/{i}" for i in range(5)]
    assert set(table["source"][:5]) == {"abc"}
    # The counterexample is computed here and now, by no cell.
    assert table["cell"][5:].isna().all()
    assert set(table["source"][5:]) == {source_hash((*PACKAGES_THAT_COMPUTE, "theory"))}


def test_the_counterexample_is_that_of_the_closed_form(summary):
    rows = summary[summary["kind"] == "counterexample"]
    n = np.arange(2, 65)
    assert rows["batch_size"].tolist() == n.tolist()
    # Huber loss: 1/2 at 1 and at -1, |x| - 1/2 beyond, and the step as printed leads to 1 - 2 n.
    assert rows["start_loss"].tolist() == [0.5] * 63
    assert rows["loss_as_printed"].tolist() == pytest.approx(2 * n - 1.5)
    assert rows["loss"].tolist() == pytest.approx([0.5] * 63)
    assert rows["verdict"].isna().all()


def test_the_table_for_people_names_controls_and_shows_both_verdicts(summary):
    table = lemma1.format_table(summary)
    assert list(table.index) == [
        "L2RW at the limit",
        "L2RW at the limit, copies of one example",
        "Control: weights of the wrong sign",
        "Control: equal weights",
        "Control: twice the limit, Huber loss",
    ]
    assert table.iloc[0].to_dict() == {
        ("lemma", "corrected"): "holds",
        ("lemma", "as printed"): "holds",
        ("simulation", "steps"): "1,600",
        ("simulation", "G grew"): "0",
        ("simulation", "by at most"): "0",
        ("step as printed, on copies", "tried"): "1,000",
        ("step as printed, on copies", "G grew"): "25",
    }
    assert table.iloc[4].tolist() == [
        *("not applicable", "violated", "1,600", "400", "0.125", "1,000", "25")
    ]


def test_the_figure_shows_the_counterexample_and_how_often_g_grew(summary):
    figure = lemma1.draw(summary, {})
    left, right = figure.axes
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["2", "4", "8", "16", "32", "64"]
    printed = lines(left)["after a step of 2n/(Lσ²), as printed"]
    assert list(printed.get_xdata()) == list(range(2, 65))
    assert list(printed.get_ydata())[:2] == pytest.approx([2.5, 4.5])
    for label in ("before the step", "after a step of 2/(Lσ²), corrected"):
        assert list(lines(left)[label].get_ydata()) == pytest.approx([0.5] * 63)
    shares = lines(right)
    assert list(shares["steps as simulated"].get_xdata()) == [0, 0, 25, 25, 25]
    assert list(shares["steps as printed, on copies"].get_xdata()) == [2.5] * 5
    names = [label.get_text().replace("\n", " ") for label in right.get_yticklabels()]
    assert names == list(lemma1.format_table(summary).index)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == [*lines(left), *lines(right)]


def test_a_single_simulation_is_enough(tmp_path):
    made_up = make_up_simulations(tmp_path, "lemma1", [AT_LIMIT])
    summary = lemma1.summary(lemma1.collect(*made_up))
    assert len(lemma1.format_table(summary)) == 1
    _, right = lemma1.draw(summary, {}).axes
    assert len(right.get_yticks()) == 1
