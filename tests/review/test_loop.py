"""From doubtful labels to corrected ones: pick, run, review, correct, run again, in a browser."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from l2rw.commands.main import main
from l2rw.data.datasets.dataset import Dataset
from tests.workflow.conftest import Workspace

from .conftest import data_of

sys.path.append(str(Path(__file__).parents[2] / "examples"))
import doubtful_labels

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
NAME, TABLE = "handwriting", "breast_cancer"


def truth_of(name):
    with Path(f"try/{name}_truth.csv").open() as file:
        return {line["id"]: line["label"] for line in csv.DictReader(file)}


def shortened(folder):
    """Return both examples in one configuration, with few steps."""
    configs = [yaml.safe_load((folder / f"{name}.yaml").read_text()) for name in (NAME, TABLE)]
    for config, name in zip(configs, (NAME, TABLE), strict=True):
        experiment = config["experiments"][name]
        experiment["rows"] = ["baseline", "l2rw"]
        experiment["training"] |= {"steps": 60, "decay_at": [], "evaluations": 1}
    first, second = configs
    first["targets"] += second["targets"]
    first["data_sets"] |= second["data_sets"]
    first["experiments"] |= second["experiments"]
    first["experiments"][NAME]["seeds"] = 2
    return first | {"noisy_labels": {"seeds": 1, "validation_size": 20}}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path, NAME)
    workspace.where = ("--cores", "1")
    monkeypatch.chdir(tmp_path)
    doubtful = Path("try")
    doubtful.mkdir()
    doubtful_labels.write_digits(doubtful)
    doubtful_labels.write_breast_cancer(doubtful)
    Path("mine.yaml").write_text(yaml.safe_dump(shortened(doubtful)))
    return workspace


def shown_id(browser):
    return browser.run("deck.ids[order[place]]")


def pick(browser, name, per_class):
    assert main(["pick", "mine.yaml", "--data-set", name, "--per-class", str(per_class)]) == 0
    page = Path(f"results/{NAME}/pick/{name}.html")
    browser.open(page)
    truth, classes = truth_of(name), data_of(page)["classes"]
    keys = {label: label if name == NAME else str(n) for n, label in enumerate(classes, 1)}
    for _ in range(2 * per_class * len(classes)):
        browser.press(keys[truth[shown_id(browser)]])
        if "Every class" in browser.text("#said"):
            break
    file = f"{name}_clean.csv"  # as the configuration calls it
    Path("try", file).write_text(browser.download("#download", file))


def table_of(name):
    return pd.read_csv(f"results/{NAME}/tables/{name}.csv").set_index(["row", "seed"])["test_error"]


def data_file(name):
    return {path.name for path in Path(f"results/{NAME}/data").glob(f"{name}-*.npz")}


def changed_in(labels):
    """Return the labels of a label file that are not the given ones, by id; "" of those removed."""
    changed = labels[labels["given_label"] != labels["label"]]
    return changed.set_index("id")["label"].to_dict()


def test_from_doubtful_labels_to_corrected_ones(workspace, browser):  # noqa: PLR0915
    files = {path: path.stat().st_mtime_ns for path in Path("try").rglob("*")}
    pick(browser, NAME, 3)
    pick(browser, TABLE, 5)
    config = yaml.safe_load(Path("mine.yaml").read_text())
    done = Counter(workspace.run(config))
    assert (done["fetch"], done["train"], done["review"]) == (2, 6, 2)
    before, first_file, others = table_of(NAME), data_file(NAME), data_file(TABLE)
    (data,) = first_file
    was = Dataset.load(Path(f"results/{NAME}/data/{data}"))
    truth = truth_of(NAME)
    clean = was.own.train_ids[was.own.clean]
    assert len(clean) == sum(was.info.clean_class_sizes) >= 30
    right = [was.info.class_names[label] for label in was.train_labels[was.own.clean]]
    assert right == [truth[key] for key in clean]

    told = Path(f"results/{NAME}/index.html").read_text()
    assert told.count("no verdict") >= 2
    for name in (NAME, TABLE):
        assert f'href="review/{name}/index.html"' in told
    assert "the paper's" not in told
    # One interval for each number, and no accuracy where nobody checked the test labels.
    assert "Test accuracy" not in told
    assert told.count('<th scope="col">Agreement with given test labels (%)</th>') == 2

    # The review: everything that may be reviewed is there, most suspicious first.
    page = Path(f"results/{NAME}/review/{NAME}/index.html")
    review = data_of(page)
    assert set(review["ids"]) == set(was.own.train_ids.tolist()) - set(clean.tolist())
    suspects = pd.read_csv(page.with_name("suspects.csv"))
    assert suspects["id"].tolist() == review["ids"]
    assert (np.diff(suspects["suspicion"]) <= 1e-9).all()
    labels = pd.read_csv(page.with_name("labels.csv"), dtype=str)
    assert len(labels) == 1797
    listed = {key: truth[key] for key in clean.tolist() if truth[key] != key.split("/")[0]}
    assert changed_in(labels) == listed
    assert not review["listed"]
    browser.open(page)
    decisions = {}
    for number in range(40):
        key = shown_id(browser)
        given = key.split("/")[0]
        if number == 7:
            browser.press("r")
            decisions[key] = ("remove", "")
        elif number == 8:
            browser.press("u")
            decisions[key] = ("unsure", "")
        else:
            browser.press(truth[key])
            decisions[key] = ("right" if truth[key] == given else "wrong", truth[key])
    browser.reload()
    text = browser.download("#download", "corrections.csv")
    Path("corrections.csv").write_text(text)
    lines = {
        line["id"]: (line["decision"], line["label"]) for line in csv.DictReader(text.split("\n"))
    }
    assert lines == decisions
    assert len(decisions) == 40

    # Again: what depends on the labels is trained anew, and nothing else.
    options = {"corrections": "corrections.csv", "decided_are_clean": True}
    config["data_sets"][NAME] |= options
    done = Counter(workspace.run(config))
    assert (done["fetch"], done["train"], done["review"]) == (1, 4, 1)
    assert data_file(TABLE) == others
    (data,) = data_file(NAME) - first_file
    now = Dataset.load(Path(f"results/{NAME}/data/{data}"))
    removed = {key for key, (decision, _) in decisions.items() if decision == "remove"}
    assert set(now.own.train_ids) == set(was.own.train_ids) - removed
    assert now.own.test_ids.tolist() == was.own.test_ids.tolist()
    names = dict(zip(was.own.train_ids.tolist(), was.own.given.tolist(), strict=True))
    names |= {key: int(label) for key, (decision, label) in decisions.items() if label}
    given = dict(zip(now.own.train_ids.tolist(), now.own.given.tolist(), strict=True))
    assert given == {key: label for key, label in names.items() if key not in removed}
    joined = {key for key, (decision, _) in decisions.items() if decision in ("right", "wrong")}
    assert set(now.own.train_ids[now.own.clean]) == set(clean) | joined

    told = Path(f"results/{NAME}/index.html").read_text()
    assert f"{NAME}: corrections changes {count(decisions, 'wrong')} labels and leaves out" in told

    # Before and after, and the labels as they are now.
    _, old, new = rows_of(browser, page)
    assert [old[0], new[0]] == [
        f"as given, {len(clean)} clean",
        f"{count(decisions, 'wrong')} corrected, 1 removed, {len(clean) + len(joined)} clean (now)",
    ]
    for column, row in enumerate(("baseline", "l2rw"), start=1):
        for line, errors in ((old, before), (new, table_of(NAME))):
            mean = 100 * (1 - errors[row]).mean()
            assert line[column].startswith(f"{mean:.2f} ±")
    labels = pd.read_csv(page.with_name("labels.csv"), dtype=str, keep_default_na=False)
    assert changed_in(labels) == listed | {
        key: label
        for key, (decision, label) in decisions.items()
        if decision in ("wrong", "remove")
    }
    again = data_of(page)
    assert {line[0]: tuple(line[1:]) for line in again["listed"]} == {
        key: value for key, value in decisions.items() if value[0] != "unsure"
    }
    (unsure,) = (i for i, value in enumerate(again["decided"]) if value)
    assert decisions[again["ids"][unsure]] == tuple(again["decided"][unsure])
    assert workspace.planned(config) == []

    # A file that changes nothing trains nothing, but the page tells of it.
    Path("corrections.csv").write_text(f"{text}{again['ids'][-1]},unsure,\n")
    planned = Counter(workspace.planned(config))
    assert planned["train"] == planned["fetch"] == 0
    assert planned["review"] == 1
    assert files == {path: path.stat().st_mtime_ns for path in files}
    record = json.loads(page.with_name("review.json").read_text())
    assert record["data_set"] == NAME


def count(decisions, name):
    return sum(decision == name for decision, _ in decisions.values())


def rows_of(browser, page):
    """Return the lines of the table above the examples, as they are seen."""
    browser.open(page)
    cells = "[...row.cells].map((cell) => cell.innerText)"
    return browser.run(f"[...document.querySelectorAll('.table tr')].map((row) => {cells})")
