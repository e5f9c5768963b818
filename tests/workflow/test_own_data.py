"""A user's folder of images and table, through the workflow."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from l2rw.data.datasets.dataset import Dataset
from l2rw.data.kinds.halves import draw_test

from .conftest import Workspace

pytestmark = pytest.mark.workflow


def write_digits(root, per_class, wrong):
    """Write digits as PNG files by class, some of them in the folder of another class.

    Returns:
        The true class of each file, by its path below the root.
    """
    digits, truth = load_digits(), {}
    for label in range(3):
        for number, image in enumerate(digits.images[digits.target == label][:per_class]):
            given = (label + 1) % 3 if number < wrong else label
            path = root / f"digit {given}" / f"{label}-{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((image * 255 / 16).astype(np.uint8)).save(path)
            truth[path.relative_to(root).as_posix()] = f"digit {label}"
    return truth


def training(model):
    small = {"steps": 100, "batch_size": 20, "clean_batch_size": 9, "learning_rate": 0.05}
    return small | {"model": model, "decay_at": [], "evaluations": 1}


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "work", "own")
    workspace.folder.mkdir()
    return workspace


@pytest.fixture
def config(workspace):
    truth = write_digits(workspace.folder / "digits", per_class=60, wrong=12)
    images = {"kind": "image_folder", "path": "digits", "size": 8, "grey": True}
    random = np.random.default_rng(0)
    labels = np.arange(120) % 3
    rows = pd.DataFrame(random.normal(size=(120, 3)) + 2 * labels[:, None], columns=list("xyz"))
    rows.assign(label=labels, truth=labels).to_csv(workspace.folder / "rows.csv", index=False)
    # Clean examples: right ones of the half that is for training, which a first look names.
    images |= {"test_share": 0.25, "clean": "clean.csv"}
    given = {"name": "given", "clean_size": 0}
    known = {"name": "given", "clean_size": 9}
    config = {
        "name": "own",
        "targets": ["images", "rows"],
        "data_sets": {
            "images": images,
            "rows": {"kind": "feature_table", "path": "rows.csv", "true_label_column": "truth"},
        },
        "noisy_labels": {"seeds": 1, "validation_size": 9},
        "experiments": {
            "images": {"kind": "table", "datasets": ["images"], "corruptions": [given]}
            | {"rows": ["baseline", "l2rw"], "training": training("lenet_8x8")},
            "rows": {"kind": "table", "datasets": ["rows"], "corruptions": [known]}
            | {"rows": ["l2rw"], "training": training("mlp")},
        },
    }
    (workspace.folder / "clean.csv").write_text("id\nno such image\n")
    refused = workspace.snakemake(config, "--dry-run")
    assert refused.returncode == 2
    assert "Error: Data set images has 2 problems:" in refused.stderr
    assert "clean lists 1 unknown id (no such image)" in refused.stderr
    assert "Traceback" not in refused.stderr
    (workspace.folder / "clean.csv").write_text("id\n" + "\n".join(clean_ids(truth)) + "\n")
    return config


def clean_ids(truth):
    """Return five rightly labelled training images of each class."""
    ids = sorted(truth)
    given = np.array([int(one.split("/")[0][-1]) for one in ids])
    test = draw_test(ids, given, None, 0.25, 0)
    right = [o for o, t in zip(ids, test, strict=True) if not t and o.split("/")[0] == truth[o]]
    return [
        o for label in range(3) for o in [r for r in right if r.startswith(f"digit {label}")][:5]
    ]


def test_a_folder_and_a_table_from_files_to_tables(workspace, config):
    done = Counter(workspace.run(config))
    assert (done["fetch"], done["train"]) == (2, 3)
    images = pd.read_csv(workspace.results / "tables" / "images.csv")
    assert images["weight_auc"].isna().all()
    assert (images["test_error"] < 0.6).all()
    told = (workspace.results / "tables" / "images.md").read_text()
    assert "Nobody knows" in told
    assert told.startswith("Agreement with given test labels (%) when")
    assert "| Agreement with given test labels (%) |" in told
    rows = pd.read_csv(workspace.results / "tables" / "rows.csv")
    assert (rows["test_error"] < 0.3).all()
    (suspects,) = (workspace.results / "runs").glob("images-*/l2rw-*/seed-0/suspects.csv")
    lines = pd.read_csv(suspects)
    assert lines["clean"].isna().all()
    for line in lines.to_dict("records"):
        assert line["id"].startswith(f"digit {line['given_label']}/")
    (data,) = (workspace.results / "data").glob("images-*.npz")
    own = Dataset.load(data)
    assert own.info.class_names == ("digit 0", "digit 1", "digit 2")
    assert own.info.clean_class_sizes == (5, 5, 5)
    (result,) = (workspace.results / "runs").glob("images-*/l2rw-*/seed-0/result.json")
    cell = json.loads(result.read_text())["cell"]
    assert cell["data_file"] == data.name

    assert workspace.planned(config) == []
    rows = (workspace.folder / "rows.csv").read_text()
    (workspace.folder / "rows.csv").write_text(rows + "9.0,9.0,9.0,2,2\n")
    again = Counter(workspace.planned(config))
    assert (again["fetch"], again["train"]) == (1, 1)

    # The page shows the data, and files of runs: where one is lost, the page can still be made.
    (workspace.folder / "rows.csv").write_text(rows)
    for lost in (data, suspects, workspace.results / "claims.csv"):
        lost.unlink()
    again = Counter(workspace.planned(config))
    assert (again["fetch"], again["train"], again["judge"]) == (1, 1, 1)
