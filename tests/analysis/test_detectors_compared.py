import pytest

from l2rw.analysis import detectors
from l2rw.store.errors import UserError

WRONG = {0, 1, 2, 3}


def _lines(scores_of):
    def lines(setting, seed):
        return [
            {"part": part, "image": i, "clean": int(i not in WRONG), **scores_of(part, i, seed)}
            for part in ("validation", "train")
            for i in range(10)
        ]

    return lines


def _scores(part, i, seed):
    """The loss finds all of four wrong labels, the weight three of them, in training none."""
    weight = -i if part == "train" else 9 - i if i != seed else -1
    return {"loss": 9 - i, "weight": weight if part == "validation" else i}


@pytest.fixture
def runs(make_up):
    plan, runs = make_up(
        "my_detectors", [{"row": "l2rw"}], 3, name="detectors.csv", lines=_lines(_scores)
    )
    return detectors.collect(plan, runs)


def test_every_seed_part_and_detector_is_measured(runs):
    assert len(runs) == 3 * 2 * 2
    assert set(runs["wrong"]) == {4}
    assert set(runs["examples"]) == {10}
    recall = runs.groupby(["part", "detector"])["recall"].mean().to_dict()
    assert recall == {
        ("validation", "loss"): 1,
        ("validation", "weight"): 0.75,
        ("train", "loss"): 1,
        ("train", "weight"): 0,
    }
    assert runs.set_index("seed").loc[1, "sgd_runs"].unique() == [3 / 8]


def test_the_table_has_detectors_as_lines_and_parts_as_columns(runs):
    table = detectors.format_table(detectors.summary(runs))
    assert list(table.index) == ["L2RW: loss", "L2RW: weight"]
    assert table.loc["L2RW: loss", ("held out", "recall")] == "100.00 ± 0.00"
    assert table.loc["L2RW: weight", ("trained on", "recall")] == "0.00 ± 0.00"
    assert table.loc["L2RW: weight", ("held out", "SGD runs")] == "0.375"
    assert table.loc["L2RW: weight", ("held out", "seconds")] == "3.00"


def test_examples_without_score_or_without_known_truth_do_not_count(make_up):
    def lines(setting, seed):
        found = _lines(_scores)(setting, seed)
        found[0] |= {"clean": None}
        found[9] |= {"loss": None}
        return found

    plan, folder = make_up("my_detectors", [{"row": "l2rw"}], 1, name="detectors.csv", lines=lines)
    runs = detectors.collect(plan, folder).set_index(["part", "detector"])
    assert runs["examples"].to_dict() == {
        ("validation", "loss"): 8,
        ("validation", "weight"): 9,
        ("train", "loss"): 10,
        ("train", "weight"): 10,
    }
    assert runs.loc[("validation", "loss"), "wrong"] == 3


def test_where_all_labels_are_right_there_is_nothing_to_find(make_up):
    def lines(setting, seed):
        return [line | {"clean": 1} for line in _lines(_scores)(setting, seed)]

    plan, folder = make_up("my_detectors", [{"row": "l2rw"}], 1, name="detectors.csv", lines=lines)
    with pytest.raises(UserError, match="there is nothing to find"):
        detectors.collect(plan, folder)
