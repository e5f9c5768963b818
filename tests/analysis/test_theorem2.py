import numpy as np
import pytest
from tests.analysis.simulated import (
    ASCENT,
    BEYOND,
    bound_of,
    checks_of,
    make_up_simulations,
    place,
)

from l2rw.analysis import theorem2

SETTINGS = [place(limit_fraction=0.9), place(limit_fraction=0.1), ASCENT, BEYOND]


@pytest.fixture
def plan_and_runs(tmp_path):
    return make_up_simulations(tmp_path, "theorem2", SETTINGS)


@pytest.fixture
def summary(plan_and_runs):
    return theorem2.summary(theorem2.collect(*plan_and_runs))


def of(table, setting):
    return table[(table[list(setting)] == list(setting.values())).all(axis=1)]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def curves(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def test_every_step_seen_is_a_line_with_its_verdicts(plan_and_runs):
    table = theorem2.collect(*plan_and_runs)
    assert list(table) == [
        *("step", "mean", "running_min", "lower", "upper"),
        *("bound", "bound_sharper", "bound_printed", "bound_best"),
        *("model", "weighting", "batches", "limit_fraction"),
        *("verdict", "observed", "observed_sharper", "constant", "informative_from"),
        *("smallest_ratio", "smallest_ratio_at", "smallest_ratio_sharper"),
        *("descent_share", "budget_share", "gradient_slack", "jensen_slack"),
        *("commit", "source", "cell", "seed", "device", "precision"),
    ]
    assert len(table) == 4 * 4
    assert list(table["cell"].unique()) == [f"split/{i}" for i in range(4)]
    assert set(table["seed"]) == {0}
    assert set(of(table, ASCENT)["verdict"]) == {"not applicable"}
    assert of(table, ASCENT)["descent_share"].isna().all()
    assert set(of(table, SETTINGS[0])["smallest_ratio"]) == {3.25}


def test_shares_are_of_the_bound_and_where_there_is_none_of_that_at_the_best_step_size(summary):
    assert "seed" not in summary
    l2rw = of(summary, SETTINGS[0])
    assert np.isnan(l2rw["share"].iloc[0])
    # 1 / (1 + T) over 2 / √T
    assert list(l2rw["share"])[1:] == pytest.approx([1 / 4, 1 / 5, 2 / 17])
    control = of(summary, ASCENT)
    assert control["bound"].isna().all()
    assert list(control["share"])[1:] == pytest.approx([1 / 2, 1, 2])


def test_the_table_for_people_has_a_line_for_each_simulation(summary):
    table = theorem2.format_table(summary)
    assert list(table.index) == [
        "L2RW at 0.9 of the limit",
        "L2RW at 0.1 of the limit",
        "Control: weights of the wrong sign",
        "Control: twice the limit, Huber loss",
    ]
    assert table.iloc[0].to_dict() == {
        "verdict": "holds",
        "observed": "below the bound",
        "C": "2",
        "informative from T": "5",
        "smallest bound / observed": "3.25",
        "at T": "16,000",
        "κΣ𝒯 / descent": "0.5",
        "κΣ𝒯 / (G₀ - G*)": "0.25",
        "E𝒯 / (p‖∇G‖⁴)": "20.5",
        "E‖∇G‖⁴ / (E‖∇G‖²)²": "1.06",
    }
    assert table.iloc[2].tolist() == [
        *("not applicable", "violated at T = 4", "2", "5", "0.5", "16,000"),
        *("–", "–", "20.5", "1.06"),
    ]


@pytest.mark.parametrize("verdict", ["undecided", "violated at T = 7", "uninformative up to T = 9"])
def test_verdicts_are_shown_as_they_are(tmp_path, verdict):
    def checks(setting):
        found = checks_of(setting)
        found["theorem2"] |= {"verdict": verdict}
        found["theorem2"]["corrected"] |= {"observed": verdict}
        return found

    summary = theorem2.summary(
        theorem2.collect(*make_up_simulations(tmp_path, "theorem2", [place()], checks))
    )
    assert theorem2.format_table(summary).iloc[0, :2].tolist() == [verdict, verdict]
    left, _ = theorem2.draw(summary, {}).axes
    assert "L2RW at 0.5 of the limit" in curves(left)


def test_the_figure_shows_bounds_and_curves_left_and_shares_of_controls_right(summary):
    figure = theorem2.draw(summary, {})
    left, right = figure.axes
    for axes in (left, right):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert min(line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 3) == 1
    drawn = curves(left)
    assert drawn["C/√T, smallest C"] == pytest.approx([2, 1, 1 / 2])
    assert drawn["C/√(MT), ours"] == pytest.approx([1, 1 / 2, 1 / 4])
    assert drawn["L2RW at 0.1 of the limit"] == pytest.approx([1 / 2, 1 / 5, 1 / 17])
    (informative,) = (x for x in left.lines if x.get_label() == "informative from here")
    assert set(informative.get_xdata()) == {5}
    shares = curves(right)
    assert shares["Control: weights of the wrong sign"] == pytest.approx([1 / 2, 1, 2])
    assert "rise above 1" in right.get_title()
    assert legend(figure) == [
        *("C/√T, smallest C", "C/√(MT), ours"),
        *("L2RW at 0.1 of the limit", "L2RW at 0.9 of the limit", "informative from here"),
        *("Control: weights of the wrong sign", "Control: twice the limit, Huber loss"),
    ]


def test_the_bound_drawn_is_the_smallest(tmp_path):
    def factor(setting):
        return 3 - 2 * setting["limit_fraction"]

    def checks(setting):
        found = checks_of(setting)
        found["theorem2"]["corrected"]["constant"] *= factor(setting)
        return found

    def bound(setting):
        return [
            line | {"bound": line["bound"] and line["bound"] * factor(setting)}
            for line in bound_of(setting)
        ]

    settings = [place(limit_fraction=fraction) for fraction in (0.5, 0.75, 0.25)]
    made_up = make_up_simulations(tmp_path, "theorem2", settings, checks, bound)
    left, right = theorem2.draw(theorem2.summary(theorem2.collect(*made_up)), {}).axes
    assert curves(left)["C/√T, smallest C"] == pytest.approx([3, 3 / 2, 3 / 4])
    # The share of the same, in the same colour.
    assert list(right.lines[0].get_ydata()) == pytest.approx([1 / 6, 2 / 15, 4 / 51])
    (same,) = (x for x in left.lines if x.get_label() == "L2RW at 0.75 of the limit")
    assert right.lines[0].get_color() == same.get_color()


def test_all_step_sizes_are_drawn_however_many_and_each_in_its_colour(tmp_path):
    settings = [place(limit_fraction=k / 10) for k in range(1, 10)]
    made_up = make_up_simulations(tmp_path, "theorem2", settings)
    left, _ = theorem2.draw(theorem2.summary(theorem2.collect(*made_up)), {}).axes
    lines = [line for line in left.lines if "of the limit" in line.get_label()]
    assert len(lines) == 9
    assert len({line.get_color() for line in lines}) == 9


def test_a_bound_that_tells_nothing_up_to_the_last_step_has_no_line_where_it_would(tmp_path):
    def checks(setting):
        found = checks_of(setting)
        found["theorem2"]["corrected"] |= {"informative_from": None, "smallest_ratio": None}
        return found

    made_up = make_up_simulations(tmp_path, "theorem2", [place()], checks)
    summary = theorem2.summary(theorem2.collect(*made_up))
    line = theorem2.format_table(summary).iloc[0]
    assert line[["informative from T", "smallest bound / observed"]].tolist() == ["–", "–"]
    figure = theorem2.draw(summary, {})
    assert "informative from here" not in legend(figure)
