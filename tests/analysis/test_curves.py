import pytest

from l2rw.analysis import curves

# Step, learning rate, and the errors in percent of seed 0
CURVE = ((100, 0.1, 60, 50, 40), (200, 0.1, 40, 30, 30), (300, 0.01, 50, 10, 35))


def _lines(setting, seed):
    return [
        {
            "step": step,
            "learning_rate": rate,
            "train_loss": 1.0,
            "validation_error": (validation + seed) / 100 if setting["row"] != "l2rw" else None,
            "train_error": (training + seed) / 100,
            "test_error": (test + seed) / 100,
        }
        for step, rate, validation, training, test in CURVE
    ]


@pytest.fixture
def plan_and_runs(make_up):
    return make_up("figure7", [{"row": "baseline"}, {"row": "l2rw"}], lines=_lines)


@pytest.fixture
def summary(plan_and_runs):
    return curves.summary(curves.collect(*plan_and_runs))


def test_every_evaluation_of_every_run_is_a_line(plan_and_runs):
    table = curves.collect(*plan_and_runs)
    assert len(table) == 2 * 3 * 3
    assert list(table) == [
        *("row", "seed", "step", "learning_rate"),
        *("validation_error", "train_error", "test_error"),
        *("cell", "commit", "source", "device", "precision"),
    ]


def test_the_summary_is_in_accuracies_where_there_are_any(summary):
    assert list(summary) == [
        *("row", "step", "learning_rate", "quantity"),
        *("accuracy_percent", "ci95_half_width", "seeds"),
    ]
    counts = summary.groupby(["row", "quantity"]).size()
    assert counts.to_dict() == {
        ("baseline", "validation"): 3,
        ("baseline", "training"): 3,
        ("baseline", "test"): 3,
        ("l2rw", "training"): 3,
        ("l2rw", "test"): 3,
    }
    baseline = summary[(summary["row"] == "baseline") & (summary["quantity"] == "validation")]
    assert list(baseline["accuracy_percent"]) == pytest.approx([39, 59, 49])
    assert list(baseline["ci95_half_width"]) == pytest.approx([2.4841] * 3, rel=1e-4)
    assert list(baseline["learning_rate"]) == [0.1, 0.1, 0.01]
    assert set(baseline["seeds"]) == {3}


def test_the_table_for_people_compares_the_best_with_the_end(summary):
    table = curves.format_table(summary)
    assert table.loc["Baseline"].to_dict() == {
        "highest validation": "59.00 ± 2.48",
        "at step": "200",
        "last validation": "49.00 ± 2.48",
        "last training": "89.00 ± 2.48",
        "last test": "64.00 ± 2.48",
    }
    assert table.loc["L2RW"].tolist() == ["–", "–", "–", "89.00 ± 2.48", "64.00 ± 2.48"]


def test_validation_is_solid_training_dotted_and_the_learning_rate_falls_once(
    summary, plan_and_runs
):
    figure = curves.draw(summary, plan_and_runs[0].settings)
    (axes,) = figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [line.get_linestyle() for line in lines] == ["-", ":", ":"]
    assert list(lines[0].get_ydata()) == pytest.approx([39, 59, 49])
    assert list(lines[1].get_ydata()) == pytest.approx([49, 69, 89])
    falls = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert falls == [[200, 200]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        *("Baseline", "L2RW", "validation", "training"),
        "learning rate falls",
    ]


def test_a_single_seed_at_one_learning_rate_is_drawn_without_bands_and_falls(make_up):
    plan, runs = make_up(
        "figure7", [{"row": "baseline"}], seeds=1, lines=lambda *run: _lines(*run)[:2]
    )
    summary = curves.summary(curves.collect(plan, runs))
    assert curves.format_table(summary).loc["Baseline", "last test"] == "70.00"
    figure = curves.draw(summary, plan.settings)
    assert "learning rate falls" not in [t.get_text() for t in figure.legends[0].get_texts()]
