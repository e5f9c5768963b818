from dataclasses import replace

import numpy as np
import pytest

from l2rw.analysis.collect import collect
from l2rw.analysis.sweep import sweep_of
from l2rw.config.paper import EXPERIMENTS

FIGURE2, FIGURE4, FIGURE5 = (
    sweep_of(name, EXPERIMENTS[name].model_dump(mode="json"))
    for name in ("figure2", "figure4", "figure5")
)


@pytest.fixture
def summary(plan, runs):
    return FIGURE2.summary(collect(plan, runs))


def _lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def _legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def _ticks(labels):
    return [label.get_text() for label in labels]


def _at(error):
    """Return what a run results in whose error in percent is a function of its setting."""
    return lambda setting, seed: {"test_error": (error(setting) + seed) / 100}


def test_the_summary_is_in_percent(summary):
    assert list(summary["error_percent"]) == pytest.approx([1, 2, 3, 4])
    # Three seeds 1 apart: s = 1, t(0.975, 2) = 4.3027
    assert list(summary["ci95_half_width"]) == pytest.approx([4.3027 / np.sqrt(3)] * 4, rel=1e-4)


def test_the_table_for_people_has_a_row_for_each_method_and_a_column_for_each_share(summary):
    table = FIGURE2.format_table(summary)
    assert list(table.columns) == ["told", "0.9", "0.8"]
    assert table.loc["L2RW"].tolist() == ["clean images", "1.00 ± 2.48", "3.00 ± 2.48"]
    assert table.loc["Baseline"].tolist() == ["nothing", "2.00 ± 2.48", "4.00 ± 2.48"]
    assert len(table) == 2


def test_the_table_of_a_single_seed_has_no_intervals(plan, runs):
    plan = replace(plan, seeds=(0,))
    table = FIGURE2.format_table(FIGURE2.summary(collect(plan, runs)))
    assert table.loc["Baseline"].tolist() == ["nothing", "1.00", "3.00"]


def test_the_figure_has_one_line_for_each_method(summary, plan):
    figure = FIGURE2.draw(summary, plan.settings)
    (axes,) = figure.axes
    assert _lines(axes) == {"L2RW": pytest.approx([1, 3]), "Baseline": pytest.approx([2, 4])}
    assert _ticks(axes.get_xticklabels()) == ["0.9", "0.8"]
    assert _legend(figure) == ["L2RW", "Baseline"]
    assert "9 against 4" in axes.get_xlabel()


def test_a_single_value_is_drawn_as_a_point_with_a_bar_for_each_row(summary, plan):
    one = summary[summary["majority_share"] == 0.9]
    (axes,) = FIGURE2.draw(one, plan.settings).axes
    points = [list(bar.lines[0].get_xdata()) for bar in axes.containers]
    assert points == [pytest.approx([1]), pytest.approx([2])]
    assert _ticks(axes.get_yticklabels()) == ["L2RW", "Baseline"]
    assert "0.9" in axes.get_title()


def test_figure4_is_accuracy_against_size_on_a_logarithmic_axis(make_up):
    settings = [
        {"clean_size": size, "row": row}
        for size in (1000, 15)
        for row in ("baseline+es+ft", "l2rw")
    ]
    plan, runs = make_up("figure4", settings, result=_at(lambda s: s["clean_size"] / 100))
    summary = FIGURE4.summary(collect(plan, runs))
    assert list(summary["accuracy_percent"]) == pytest.approx([89, 89, 98.85, 98.85])
    figure = FIGURE4.draw(summary, plan.settings)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert _ticks(axes.get_xticklabels()) == ["1000", "15"]
    assert [list(line.get_xdata()) for line in axes.lines] == [[15, 1000]] * 2
    assert _lines(axes)["L2RW"] == pytest.approx([98.85, 89])
    assert _legend(figure) == ["Baseline +ES +FT", "L2RW"]


def test_figure5_is_accuracy_against_noise_in_percent(make_up):
    settings = [{"noise": noise, "row": "l2rw"} for noise in (0.0, 0.4)]
    settings.append({"noise": 0.4, "row": "baseline+es"})
    plan, runs = make_up("figure5", settings, result=_at(lambda s: 10 * s["noise"]))
    summary = FIGURE5.summary(collect(plan, runs))
    table = FIGURE5.format_table(summary)
    assert list(table.columns) == ["told", "0", "40"]
    assert table.loc["L2RW"].tolist() == ["clean images", "99.00 ± 2.48", "95.00 ± 2.48"]
    assert table.loc["Baseline +ES"].tolist() == ["nothing", "–", "95.00 ± 2.48"]
    (axes,) = FIGURE5.draw(summary, plan.settings).axes
    assert list(axes.get_xticks()) == [0, 40]
    assert _lines(axes) == {
        "L2RW": pytest.approx([99, 95]),
        "Baseline +ES": pytest.approx([95]),
    }
