import numpy as np
import pytest

from l2rw.analysis import weights

# (panel, clean, weight) of the images of a seed
WEIGHTS = {
    0: [("mixed", True, 0), ("mixed", True, 4), ("mixed", False, 0), ("mixed", False, 0)],
    1: [("mixed", True, 2), ("mixed", True, 4), ("mixed", False, 0), ("mixed", False, 1)],
}


def _lines(setting, seed):
    images = [*WEIGHTS[seed], *(("single class", clean, w) for _, clean, w in WEIGHTS[seed])]
    return [
        {"panel": panel, "batch": 0, "image": i, "clean": clean, "weight": float(weight)}
        for i, (panel, clean, weight) in enumerate(images)
    ]


@pytest.fixture
def plan_and_runs(make_up):
    return make_up("figure3", [{"row": "l2rw"}], seeds=2, name="probe.csv", lines=_lines)


@pytest.fixture
def summary(plan_and_runs):
    return weights.summary(weights.collect(*plan_and_runs))


def _pick(summary, **wanted):
    for column, value in wanted.items():
        summary = summary[summary[column] == value]
    return summary


def test_every_image_probed_is_a_line(plan_and_runs):
    table = weights.collect(*plan_and_runs)
    assert list(table) == [
        *("row", "seed", "panel", "batch", "image", "clean", "weight"),
        *("cell", "commit", "source", "device", "precision"),
    ]
    assert len(table) == 2 * 8
    assert list(table["clean"][:4]) == [True, True, False, False]
    assert list(table["weight"][:4]) == [0, 4, 0, 0]


def test_shares_of_bins_are_means_over_seeds(summary):
    bins = _pick(summary, panel="mixed", label="clean", quantity="bin_share")
    assert len(bins) == weights.BINS
    assert list(bins["bin_start"]) == pytest.approx(np.arange(40) / 10)
    assert list(bins["bin_end"]) == pytest.approx(np.arange(1, 41) / 10)
    share = dict(zip(bins["bin_start"].round(9), bins["mean"], strict=True))
    # Half of the first seed's weights are 0 and of the second's are 2; the others are 4.
    assert {start: s for start, s in share.items() if s} == {0: 0.25, 2: 0.25, 3.9: 0.5}
    assert set(bins["seeds"]) == {2}


def test_the_table_for_people_tells_zeros_and_means(summary):
    table = weights.format_table(summary)
    assert list(table.columns) == ["weight zero (%)", "mean weight"]
    # Shares 50 and 0 %, means 2 and 3: t(0.975, 1) = 12.706 times half the difference
    expected = ["25.00 ± 317.66", "2.50 ± 6.35"]
    assert table.loc["Batches of all classes, clean images"].tolist() == expected
    expected = ["75.00 ± 317.66", "0.25 ± 3.18"]
    assert table.loc["Batches of a single class, flipped images"].tolist() == expected


def test_the_figure_has_two_panels_with_two_histograms_each(summary, plan_and_runs):
    figure = weights.draw(summary, plan_and_runs[0].settings)
    assert [axes.get_title() for axes in figure.axes] == list(weights.PANELS.values())
    for axes in figure.axes:
        outlines = [patch for patch in axes.patches if not patch.get_fill()]
        assert [patch.get_label() for patch in outlines] == ["clean images", "flipped images"]
        assert outlines[0].get_data().values[0] == pytest.approx(25)
        assert outlines[1].get_data().values[0] == pytest.approx(75)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["clean images", "flipped images"]


def test_a_single_seed_of_images_without_weight_can_be_drawn(make_up):
    lines = [{"panel": "mixed", "batch": 0, "image": 0, "clean": False, "weight": 0.0}]
    plan, runs = make_up(
        "figure3", [{"row": "l2rw"}], 1, name="probe.csv", lines=lambda setting, seed: lines
    )
    summary = weights.summary(weights.collect(plan, runs))
    (line,) = weights.format_table(summary).to_numpy().tolist()
    assert line == ["100.00", "0.00"]
    assert len(weights.draw(summary, plan.settings).axes) == 2
