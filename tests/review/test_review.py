"""The review: its order, what it says of examples, and before and after."""

import csv
import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from l2rw.data.kinds.label_file import write_labels
from l2rw.data.kinds.survey import look_at, read
from l2rw.planning.plan import Plan
from l2rw.review.before import Outcome, compared
from l2rw.review.opinions import Opinions
from l2rw.review.review import Reviewed, _deck, _suspects
from l2rw.store.errors import UserError
from l2rw.store.files import write_csv
from l2rw.store.identity import digest
from l2rw.store.paths import ReviewFiles

from .conftest import TIT, WREN, configure
from .conftest import read as read_config

PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4], [0.5, 0.5]])


@pytest.fixture
def opinions():
    weights = np.array([1.5, 0.4, np.nan, 0.1, 0.9])
    return Opinions(np.array([0, 0, 0, 1, 1]), PROBABILITIES, weights)


def test_suspicion_is_what_another_class_is_more_probable_by(opinions):
    assert opinions.of_label == pytest.approx([0.9, 0.2, 0.4, 0.4, 0.5])
    assert opinions.suspicion == pytest.approx([-0.8, 0.6, 0.2, 0.2, 0])
    assert opinions.network.tolist() == [0, 1, 1, 0, 0]


def test_detectors_take_as_many_for_wrong_as_the_network(opinions):
    found = opinions.suspected_by
    assert found["network"].tolist() == [False, True, True, True, False]
    assert found["weight"].tolist() == [
        False,
        True,
        False,
        True,
        True,
    ]


@pytest.fixture
def one(birds, tmp_path):
    """Birds after two decisions, with opinions."""
    ids = [f"{label}/{n:02}.png" for n in range(80) for label in [(TIT, WREN)[n % 2]]]
    decisions = [[ids[0], "wrong", WREN], [ids[3], "remove", ""], [ids[4], "right", TIT]]
    write_csv(tmp_path / "corrections.csv", ["id", "decision", "label"], decisions)
    config = read_config(configure(tmp_path, corrections="corrections.csv", split_seed=3))
    kind = config.data_sets["birds"]
    found, dataset = look_at("birds", kind), read("birds", kind, None)
    n = len(dataset.train_labels)
    random = np.random.default_rng(0)
    p = random.random((n, 2))
    weights = random.random(n)
    opinions = Opinions(dataset.labels.given, p / p.sum(1, keepdims=True), weights)
    return Reviewed("birds", kind, found, dataset, opinions)


def deck_of(one, count=5000):
    order = np.argsort(-one.opinions.suspicion, kind="stable")[:count]

    class Plan:
        seeds = (0, 1)

    return _deck(one, Plan, order, [])


def test_the_page_has_given_labels_and_earlier_decisions(one):
    deck = deck_of(one)
    told = {d.id: (d.decision, d.label) for d in one.decisions}
    assert [deck.classes[label] for label in deck.given] == [key.split("/")[0] for key in deck.ids]
    by_page = dict(zip(deck.ids, deck.decided, strict=True))
    elsewhere = {key: (decision, label) for key, decision, label in deck.more["listed"]}
    decided = {key: value for key, value in by_page.items() if value}
    assert decided | elsewhere == told
    assert not decided.keys() & elsewhere.keys()
    (removed,) = (key for key, value in told.items() if value[0] == "remove")
    assert removed in elsewhere


def test_what_is_not_on_the_page_is_downloaded_all_the_same(one, browser, tmp_path):
    from l2rw.review.deck import write_deck

    write_deck(deck_of(one, count=3), tmp_path / "few.html")
    browser.open(tmp_path / "few.html")
    browser.press("u")
    lines = list(csv.reader(browser.download("#download", "corrections.csv").splitlines()))
    assert lines[0] == ["id", "decision", "label"]
    told = {line[0]: tuple(line[1:]) for line in lines[1:]}
    first = browser.run("deck.ids.find((_, i) => !deck.decided[i])")
    assert told == {d.id: (d.decision, d.label) for d in one.decisions} | {first: ("unsure", "")}
    assert browser.run("document.querySelectorAll('b').length") == 0
    assert TIT in browser.text("#class")


def test_tables_list_everything(one, tmp_path):
    told = pd.read_csv(write_labels(tmp_path / "labels.csv", one.found), keep_default_na=False)
    told = told.set_index("id")
    given, corrected = told["given_label"].to_dict(), told["label"].to_dict()
    assert len(given) == 80
    assert all(key.startswith(label) for key, label in given.items())
    changed = {key: label for key, label in corrected.items() if label != given[key]}
    expected = {d.id: d.label for d in one.decisions if d.decision in ("wrong", "remove")}
    assert changed == expected
    order = np.argsort(-one.opinions.suspicion)
    lines = pd.DataFrame(_suspects(one, order))
    assert sorted(lines[0]) == sorted(one.ids)
    assert lines[6].astype(float).is_monotonic_decreasing


def test_pictures_come_from_the_data_set_where_files_are_gone(one, tmp_path):
    with_files = deck_of(one, 4).shown
    assert all(content.startswith(b"\x89PNG") for content in with_files)
    for path in (tmp_path / "birds").rglob("*.png"):
        path.unlink()
    assert len(deck_of(one, 4).shown) == 4
    assert deck_of(one, 4).shown != with_files


def test_before_and_after(one, tmp_path):
    files, facts = ReviewFiles(tmp_path / "review"), one.found.facts
    first = Outcome(0, 0, 20, {"baseline": [0.5, 0.6], "l2rw": [0.7, 0.7]})
    assert compared(first, facts, files) == []
    now = replace(first, corrected=12, removed=3, accuracies={"l2rw": [0.8, 0.9], "gce": [0.75]})
    corrected = replace(facts, sha256={"files": "other"}, test_is_trusted=True)
    head, was, is_ = compared(now, corrected, files)
    assert head == ["Test accuracy (%), ± over seeds", "L2RW", "GCE"]
    assert was == ["as given, 20 clean", "70.00 ± 0.00", "–"]
    assert is_ == ["12 corrected, 3 removed, 20 clean (now)", "85.00 ± 63.53", "75.00"]
    earlier = asdict(first)  # as versions wrote it that did not seal
    files.outcome("cc").write_text(json.dumps(earlier))
    (head, *lines) = compared(first, facts, files)
    assert head == ["Agreement with given test labels (%), ± over seeds", "Baseline", "L2RW"]
    assert len(lines) == 3

    path = files.outcome(digest({"files": "other"}))
    path.rename(path.with_name("dd.json"))
    with pytest.raises(UserError, match=r"dd\.json cannot be read as an outcome .* other labels"):
        compared(first, facts, files)
    path.with_name("dd.json").write_text("{")
    with pytest.raises(UserError, match=r"dd\.json cannot be read"):
        compared(first, facts, files)


def test_who_has_no_l2rw_has_no_review(birds, tmp_path):
    clean = [f"{label}/{n:02}.png" for n in range(80) for label in [(TIT, WREN)[n % 2]]]
    kind = read_config(birds).data_sets["birds"]
    trained = set(read("birds", kind, None).own.train_ids.tolist())
    write_csv(tmp_path / "c.csv", ["id"], [[key] for key in clean if key in trained][:10])
    config = read_config(configure(tmp_path, clean="c.csv"))
    ((name, (experiment, cell)),) = Plan(config).reviews.items()
    assert (name, experiment, cell.spec.method) == ("birds", "birds", "l2rw")
    text = (tmp_path / "birds.yaml").read_text().replace("- l2rw\n", "- gce\n")
    (tmp_path / "birds.yaml").write_text(text)
    assert Plan(read_config(tmp_path / "birds.yaml")).reviews == {}
