import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from l2rw.data.splits import Part
from l2rw.store.paths import METRICS, NETWORK, RESULT, SUSPECTS
from l2rw.training.engine.runs import Evaluations, Run
from l2rw.training.evaluation import Evaluation
from l2rw.training.history import Snapshot
from l2rw.training.results import weight_auc, write

NAN = float("nan")
CELL = SimpleNamespace(to_json=lambda: {"id": "cell"})
TEST = Evaluation(0.5, [[3, 1], [0, 4]])
VALIDATION = Evaluation(0.75, [[1, 1], [1, 1]])


def run(weights, truth, *, seed=0, validation=None, wrong=None):
    """A run whose training set are images 10, 11, ... under labels 0, 1, 0, 1, ..."""
    n = len(weights)
    held_out = (validation.loss, validation.error) if validation else (None, None)
    return Run(
        seed=seed,
        history=[Snapshot(seed, 4, 0.1, 1.0, 0.25, 0.0, *held_out, 0.5, TEST.loss, TEST.error)],
        final=Evaluations(TEST, validation, 0.5),
        train=Part(np.arange(n) + 10, np.arange(n) % 2, np.array(truth, dtype=bool)),
        predicted=np.arange(n) % 3,
        mean_weights=np.array(weights, dtype=np.float32),
        network={"weight": torch.full((2,), float(seed))},
        estimated_wrong=wrong,
    )


def lines(path):
    with path.open() as file:
        return list(csv.DictReader(file))


WEIGHTS = st.sampled_from([0.0, 0.25, 1.0, 3.5]) | st.floats(0, 10, width=32)


@given(st.lists(st.tuples(WEIGHTS, st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_the_area_is_that_of_scikit_learn_over_what_was_seen(examples):
    weights, truth, seen = map(np.array, zip(*examples, strict=True))
    area = weight_auc(run(np.where(seen, weights, NAN), truth))
    if len(set(truth[seen])) < 2:
        assert area is None
    else:
        assert area == pytest.approx(roc_auc_score(truth[seen], weights[seen]))


def test_the_area_worked_out():
    # Of the six pairs, right ones weigh more in three and as much in two.
    assert weight_auc(run([1, 2, 0, 1, 2], [1, 1, 0, 0, 0])) == pytest.approx(4 / 6)
    assert weight_auc(run([1, 1, 1, 1], [1, 0, 0, 1])) == 0.5
    assert weight_auc(run([0, 0, 1], [0, 0, 1])) == 1


@pytest.mark.parametrize("truth", [[1, 1, 1], [0, 0, 0]])
def test_there_is_no_area_where_all_labels_are_right_or_all_wrong(truth):
    assert weight_auc(run([1, 2, 3], truth)) is None


def test_suspects_are_all_training_examples_by_weight_and_those_never_seen_last(tmp_path):
    one = run([1, NAN, 0, 1 / 3, 0], [1, 0, 0, 1, 1], seed=2, wrong=3)
    write(tmp_path, [one, run([5, 4], [1, 1], seed=3)], CELL, {})
    (header, *_) = (tmp_path / SUSPECTS).read_text().splitlines()
    assert header == "seed,image,given_label,model_label,mean_weight,clean,suspected"
    assert [list(line.values()) for line in lines(tmp_path / SUSPECTS)] == [
        ["2", "12", "0", "2", "0", "0", "1"],
        ["2", "14", "0", "1", "0", "1", "1"],
        ["2", "13", "1", "0", "0.333333", "1", "1"],
        ["2", "10", "0", "0", "1", "1", "0"],
        ["2", "11", "1", "1", "", "0", "0"],
        ["3", "11", "1", "1", "4", "1", ""],
        ["3", "10", "0", "0", "5", "1", ""],
    ]
    runs = json.loads((tmp_path / RESULT).read_text())["runs"]
    assert [one["estimated_wrong"] for one in runs] == [3, None]


def test_nobody_is_suspected_where_all_weigh_the_same(tmp_path):
    write(tmp_path, [run([1, 1, NAN], [1, 0, 1], wrong=1)], CELL, {})
    assert {line["suspected"] for line in lines(tmp_path / SUSPECTS)} == {""}


@pytest.mark.parametrize("validation", [None, VALIDATION])
def test_validation_is_told_where_there_is_one(tmp_path, validation):
    write(tmp_path, [run([1], [1], validation=validation)], CELL, {})
    (line,) = lines(tmp_path / METRICS)
    (result,) = json.loads((tmp_path / RESULT).read_text())["runs"]
    told = ("0.75", "0.5", 0.75, 0.5) if validation else ("", "", None, None)
    assert (line["validation_loss"], line["validation_error"]) == told[:2]
    assert (result["validation_loss"], result["validation_error"]) == told[2:]


def test_the_result_holds_what_was_asked_for_and_what_came_of_it(tmp_path):
    runs = [run([1, 0], [1, 0], seed=2), run([0, 1], [1, 0], seed=5)]
    write(tmp_path, runs, CELL, {"device": "cpu"})
    result = json.loads((tmp_path / RESULT).read_text())
    assert (result["cell"], result["made"]) == ({"id": "cell"}, {"device": "cpu"})
    assert [(r["seed"], r["weight_auc"]) for r in result["runs"]] == [(2, 1), (5, 0)]
    for r in result["runs"]:
        assert (r["test_error"], r["test_loss"]) == (1 / 8, 0.5)
        assert r["confusion"] == [[3, 1], [0, 4]]
    assert [line["seed"] for line in lines(tmp_path / METRICS)] == ["2", "5"]
    assert {path.name for path in tmp_path.iterdir()} == {METRICS, RESULT, SUSPECTS, NETWORK}


def test_l2rw_suspects_flipped_labels_and_its_network_knows_better(
    tmp_path, make_spec, prepare, digits
):
    sizes = {"model": "resnet_8x8", "steps": 100, "batch_size": 40, "clean_batch_size": 20}
    spec = make_spec(method="l2rw", evaluations=1, **sizes)
    (trained,) = prepare(spec, 0, corruption="background_flip").run(lambda state: None)
    assert weight_auc(trained) > 0.8
    write(tmp_path, [trained], CELL, {})
    told = {name: [] for name in ("image", "given_label", "model_label", "clean")}
    for line in lines(tmp_path / SUSPECTS):
        for name, values in told.items():
            values.append(int(line[name]))
    images, given_labels, model_labels, clean = map(np.array, told.values())
    assert sorted(images) == trained.train.indices.tolist()
    true_labels = digits.train_labels[images]
    assert np.array_equal(given_labels == true_labels, clean)
    assert (model_labels == true_labels).mean() > 0.8
    assert (model_labels == given_labels).mean() < 0.8
    assert trained.estimated_wrong == pytest.approx((clean == 0).sum(), rel=0.2)
    first, last = np.split(clean, 2)
    assert first.mean() < 0.5
    assert last.mean() > 0.8


def test_the_baseline_suspects_nothing(make_spec, prepare):
    spec = make_spec(batch_size=100, steps=20, evaluations=1)
    (trained,) = prepare(spec, 0, corruption="background_flip").run(lambda state: None)
    assert weight_auc(trained) == 0.5
