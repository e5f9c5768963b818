import numpy as np
import pytest

from l2rw.analysis import confusion

CONFUSION = {0: [[8, 2], [10, 10]], 1: [[10, 0], [0, 20]]}


def _result(setting, seed):
    return {"confusion": CONFUSION[seed]}


@pytest.fixture
def plan_and_runs(make_up):
    settings = [
        {"corruption": corruption, "row": row}
        for corruption, row in (
            ("uniform_flip", "baseline"),
            ("uniform_flip", "l2rw"),
            ("background_flip", "l2rw"),
        )
    ]
    return make_up("figure6", settings, seeds=2, result=_result)


@pytest.fixture
def summary(plan_and_runs):
    return confusion.summary(confusion.collect(*plan_and_runs))


def test_every_entry_of_every_matrix_is_a_line(plan_and_runs):
    table = confusion.collect(*plan_and_runs)
    assert len(table) == 3 * 2 * 4
    assert list(table) == [
        *("corruption", "row", "seed", "true", "predicted", "images"),
        *("cell", "commit", "source", "device", "precision"),
    ]
    assert list(table["images"][:8]) == [8, 2, 10, 10, 10, 0, 0, 20]


def test_shares_are_of_the_true_class_and_means_over_seeds(summary):
    assert list(summary) == [
        *("corruption", "row", "true", "predicted"),
        *("share", "ci95_half_width", "seeds", "images"),
    ]
    first = summary.head(4)
    assert list(first["share"]) == pytest.approx([0.9, 0.1, 0.25, 0.75])
    assert list(first["images"]) == [10, 10, 20, 20]
    # Shares 0.2 apart: t(0.975, 1) = 12.706 times 0.1
    assert first["ci95_half_width"][0] == pytest.approx(1.2706, rel=1e-4)
    assert set(summary["seeds"]) == {2}


def test_the_table_for_people_tells_accuracy_and_worst_class(summary):
    table = confusion.format_table(summary)
    assert list(table.index) == [
        "UniformFlip, Baseline",
        "UniformFlip, L2RW",
        "BackgroundFlip, L2RW",
    ]
    # (18 + 30) of 60 images; class 1: 50 and 100 %
    assert table.loc["UniformFlip, L2RW"].tolist() == ["80.00", "1", "75.00 ± 317.66"]


def test_the_figure_has_a_panel_for_each_noise_and_row_and_one_scale(summary, plan_and_runs):
    *panels, scale = confusion.draw(summary, plan_and_runs[0].settings).axes
    titles = [panel.get_title() for panel in panels]
    assert titles == ["UniformFlip, Baseline", "UniformFlip, L2RW", "", "BackgroundFlip, L2RW"]
    assert not panels[2].axison  # not run
    (image,) = panels[0].images
    np.testing.assert_allclose(image.get_array(), [[90, 10], [25, 75]])
    assert image.get_clim() == (0, 100)
    assert [text.get_text() for text in panels[0].texts] == ["90", "10", "25", "75"]
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("Predicted class", "True class")
    assert "%" in scale.get_ylabel()


def test_matrices_of_many_classes_and_a_single_seed_have_no_numbers(make_up):
    many = np.eye(11, dtype=int).tolist()
    plan, runs = make_up(
        "figure6",
        [{"corruption": "background_flip", "row": "l2rw"}],
        seeds=1,
        result=lambda setting, seed: {"confusion": many},
    )
    summary = confusion.summary(confusion.collect(plan, runs))
    assert summary["ci95_half_width"].isna().all()
    panel, _ = confusion.draw(summary, plan.settings).axes
    assert not panel.texts
    assert confusion.format_table(summary).to_numpy().tolist() == [["100.00", "0", "100.00"]]
