import matplotlib.pyplot as plt
import numpy as np
import pytest

from l2rw.analysis import figure2
from l2rw.analysis.collect import collect
from l2rw.analysis.style import FORMATS, LOOKS, save
from l2rw.methods import METHODS


@pytest.fixture
def summary(plan, runs):
    return figure2.summary(collect(plan, runs))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_every_method_has_its_own_look():
    assert set(LOOKS) == set(METHODS)
    for field in ("label", "colour", "marker"):
        assert len({getattr(look, field) for look in LOOKS.values()}) == len(LOOKS)


def test_the_summary_is_in_percent(summary):
    assert list(summary["error_percent"]) == pytest.approx([1, 2, 3, 4])
    # Three seeds 1 apart: s = 1, t(0.975, 2) = 4.3027
    assert list(summary["ci95_half_width"]) == pytest.approx([4.3027 / np.sqrt(3)] * 4, rel=1e-4)


def test_the_table_for_people_has_a_row_for_each_method_and_a_column_for_each_share(summary):
    table = figure2.for_people(summary)
    assert list(table.columns) == ["0.9", "0.8"]
    assert table.loc["L2RW"].tolist() == ["1.00 ± 2.48", "3.00 ± 2.48"]
    assert table.loc["Baseline"].tolist() == ["2.00 ± 2.48", "4.00 ± 2.48"]
    assert len(table) == 2


def test_the_table_of_a_single_seed_has_no_intervals(plan, runs):
    plan["seeds"] = [0]
    table = figure2.for_people(figure2.summary(collect(plan, runs)))
    assert table.loc["Baseline"].tolist() == ["1.00", "3.00"]


def test_the_figure_has_one_line_for_each_method(summary, plan):
    (axes,) = figure2.draw(summary, plan["settings"]).axes
    assert {line.get_label(): list(line.get_ydata()) for line in axes.lines} == {
        "L2RW": pytest.approx([1, 3]),
        "Baseline": pytest.approx([2, 4]),
    }
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.9", "0.8"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["L2RW", "Baseline"]


def test_a_single_share_is_drawn_as_a_point_with_a_bar_for_each_method(summary, plan):
    one = summary[summary["majority_share"] == 0.9]
    (axes,) = figure2.draw(one, plan["settings"]).axes
    points = {bar.get_label(): list(bar.lines[0].get_ydata()) for bar in axes.containers}
    assert points == {"L2RW": pytest.approx([1]), "Baseline": pytest.approx([2])}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["L2RW", "Baseline"]
    assert "0.9" in axes.get_title()


def test_equal_figures_are_equal_files(summary, plan, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        save(figure2.draw(summary, plan["settings"]), tmp_path / folder, "figure")
    for suffix in FORMATS:
        one, two = (tmp_path / folder / f"figure.{suffix}" for folder in ("one", "two"))
        assert len(one.read_bytes()) > 1000
        assert one.read_bytes() == two.read_bytes()
        assert b"CreationDate" not in one.read_bytes()
