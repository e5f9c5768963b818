import math

import numpy as np
import pytest

from l2rw.analysis import gradient_norm
from l2rw.store.errors import UserError

LENET = {"corruption": "imbalance", "network": "lenet", "row": "l2rw"}
RESNET = {"corruption": "background_flip", "network": "resnet32", "row": "l2rw"}


def metrics(gradient, steps=(100, 200, 300, 400)):
    """Return the lines of a run, given ‖∇G‖² as a function of setting, seed and step."""
    return lambda setting, seed: [
        {"step": step, "test_error": 0.5, "squared_clean_gradient": gradient(setting, seed, step)}
        for step in steps
    ]


def by_step(*values):
    return lambda setting, seed, step: values[step // 100 - 1]


@pytest.fixture
def summarised(make_up):
    """Return what summarises runs: of L2RW on one network, unless told otherwise."""

    def summarised(gradient, settings=(LENET,), seeds=3, **steps):
        lines = metrics(gradient, **steps)
        plan, runs = make_up("gradient_norm", list(settings), seeds=seeds, lines=lines)
        return gradient_norm.summary(gradient_norm.collect(plan, runs))

    return summarised


def fit(summary):
    """Return what is the same at every step."""
    (line,) = summary[list(gradient_norm.Fit._fields)].drop_duplicates().to_dict("records")
    return line


def test_every_evaluation_of_every_run_is_a_line(make_up):
    lines = metrics(lambda setting, seed, step: step + seed / 3)
    table = gradient_norm.collect(*make_up("gradient_norm", [LENET, RESNET], lines=lines))
    assert list(table) == [
        *("corruption", "network", "row", "seed", "step", "squared_clean_gradient"),
        *("cell", "commit", "source", "device", "precision"),
    ]
    assert len(table) == 2 * 3 * 4
    assert table["squared_clean_gradient"][5] == 200 + 1 / 3


def test_the_summary_has_mean_and_running_minimum(summarised):
    gradient = by_step(5, 7, 3, 4)
    summary = summarised(lambda *run: gradient(*run) + run[1])
    assert list(summary) == [
        *("corruption", "network", "row", "step", "mean", "low", "high", "running_min", "seeds"),
        *gradient_norm.Fit._fields,
    ]
    assert list(summary.index) == [0, 1, 2, 3]
    assert list(summary["step"]) == [100, 200, 300, 400]
    assert list(summary["mean"]) == [6, 8, 4, 5]
    assert list(summary["running_min"]) == [6, 6, 4, 4]
    assert set(summary["seeds"]) == {3}


def test_the_minimum_is_of_the_mean_and_not_the_mean_of_minima(summarised):
    up, down = by_step(1, 9, 9, 9), by_step(9, 1, 9, 9)
    summary = summarised(lambda *run: (down if run[1] else up)(*run), seeds=2)
    assert list(summary["running_min"]) == [5, 5, 5, 5]


@pytest.mark.parametrize(
    ("curve", "constant", "exceeded"),
    [
        # √100 and √200 times the running minimum; then √300 and √400 times.
        ((10, 1, 1, 1), 100, 0),
        ((2, 2, 2, 1), 2 * math.sqrt(200), 0.5),
        ((1, 1, 1, 1), math.sqrt(200), 1),
        ((3, 2, 9, 9), 30, 1),
    ],
)
def test_an_envelope_is_fitted_to_the_first_half_and_tried_on_the_second(
    summarised, curve, constant, exceeded
):
    fitted = fit(summarised(by_step(*curve)))
    assert fitted["envelope_constant"] == pytest.approx(constant)
    assert fitted["exceeded"] == exceeded


@pytest.mark.parametrize("exponent", [-0.5, -1.0, 0.0])
def test_a_power_law_has_its_exponent_with_certainty_if_all_seeds_agree(summarised, exponent):
    fitted = fit(summarised(lambda setting, seed, step: 3 * step**exponent))
    for name in ("exponent", "exponent_low", "exponent_high"):
        assert fitted[name] == pytest.approx(exponent, abs=1e-9)
    assert fitted["exceeded"] == (exponent > -0.5)  # at -1/2 it lies on the envelope


def test_intervals_cover_the_estimates_and_lie_between_the_seeds(summarised):
    def gradient(setting, seed, step):
        return (1 + seed) * step ** -(0.25 + seed / 8)

    summary = summarised(gradient, seeds=5)
    seen = np.array([[gradient(None, s, t) for t in summary["step"]] for s in range(5)])
    assert (summary["low"] < summary["mean"]).all()
    assert (summary["mean"] < summary["high"]).all()
    assert (summary["low"] > seen.min(0)).all()
    assert (summary["high"] < seen.max(0)).all()
    fitted = fit(summary)
    assert -0.75 <= fitted["exponent_low"] < fitted["exponent"] < fitted["exponent_high"] <= -0.25


def test_a_single_seed_has_no_intervals(summarised):
    summary = summarised(lambda setting, seed, step: 1 / step, seeds=1)
    limits = ["low", "high", "exponent_low", "exponent_high"]
    assert summary[limits].isna().all(axis=None)
    assert fit(summary)["exponent"] == pytest.approx(-1)
    assert gradient_norm.format_table(summary)["exponent of decay"].tolist() == ["-1.00"]
    (axes,) = gradient_norm.draw(summary, {}).axes
    assert list(axes.lines[0].get_ydata()) == pytest.approx([1 / 100, 1 / 200, 1 / 300, 1 / 400])


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_single_evaluation_has_no_decay(summarised, seeds):
    summary = summarised(lambda setting, seed, step: 0.25, seeds=seeds, steps=(100,))
    assert len(summary) == 1
    assert gradient_norm.format_table(summary).iloc[0].tolist() == ["0.25", "0.25", "–", "–"]
    (axes,) = gradient_norm.draw(summary, {}).axes
    assert all(line.get_marker() == "o" for line in axes.lines)


def test_a_gradient_that_vanishes_is_no_end(summarised):
    summary = summarised(by_step(1, 0, 0, 0))
    assert np.isfinite(fit(summary)["exponent"])
    gradient_norm.draw(summary, {})


def test_the_table_for_people_has_a_line_for_each_curve(summarised):
    def gradient(setting, seed, step):
        slow = setting["row"] == "baseline"
        return (200 if slow else 30) * step ** (-0.25 if slow else -1)

    settings = [place | {"row": row} for place in (LENET, RESNET) for row in ("baseline", "l2rw")]
    table = gradient_norm.format_table(summarised(gradient, settings))
    assert list(table.index) == [
        *("LeNet, Imbalance, Baseline", "LeNet, Imbalance, L2RW"),
        *("ResNet-32, BackgroundFlip, Baseline", "ResNet-32, BackgroundFlip, L2RW"),
    ]
    assert list(table.columns) == [
        *("first", "smallest", "exponent of decay", "second half above first's C/√T")
    ]
    assert table.iloc[0].tolist() == ["63", "45", "-0.25 [-0.25, -0.25]", "100%"]
    assert table.iloc[3].tolist() == ["0.3", "0.075", "-1.00 [-1.00, -1.00]", "0%"]


def test_the_figure_has_a_panel_for_each_network_and_tells_lines_by_colour_and_style(summarised):
    gradient = by_step(4, 2, 3, 1)
    settings = [LENET, RESNET, RESNET | {"row": "baseline"}]
    figure = gradient_norm.draw(summarised(lambda *run: gradient(*run) + run[1] - 1, settings), {})
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == (
        "LeNet, Imbalance",
        "ResNet-32, BackgroundFlip",
    )
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    mean, smallest, envelope = (list(line.get_ydata()) for line in left.lines)
    assert mean == [4, 2, 3, 1]
    assert smallest == [4, 2, 2, 1]
    assert envelope == pytest.approx([40 / math.sqrt(t) for t in (100, 200, 300, 400)])
    assert len(right.lines) == 2 * 3
    low, high = left.get_xlim()
    ticks = zip(left.get_xticks(), left.get_xticklabels(), strict=True)
    assert [text.get_text() for at, text in ticks if low < at < high] == ["100", "200"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        *("L2RW", "Baseline", "mean", "smallest mean so far", "C/√T of the first half")
    ]


def test_the_same_network_under_both_corruptions_has_two_panels(summarised):
    settings = [LENET, LENET | {"corruption": "background_flip"}]
    summary = summarised(by_step(4, 3, 2, 1), settings)
    assert len(gradient_norm.format_table(summary)) == 2
    titles = [axes.get_title() for axes in gradient_norm.draw(summary, {}).axes]
    assert titles == ["LeNet, Imbalance", "LeNet, BackgroundFlip"]


def test_runs_without_curves_are_named(make_up):
    plan, runs = make_up("gradient_norm", [LENET], seeds=1)
    path = runs / "split/0/seed-0/metrics.csv"
    with pytest.raises(UserError, match=rf"{path} is missing.* Hint: delete"):
        gradient_norm.collect(plan, runs)


def test_runs_that_do_not_tell_the_gradient_are_named(make_up):
    plan, runs = make_up("gradient_norm", [LENET], seeds=1, lines=lambda *run: [{"step": 100}])
    with pytest.raises(UserError, match=r"metrics.csv cannot be read as a table .* Hint: delete"):
        gradient_norm.collect(plan, runs)
