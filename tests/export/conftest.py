"""Finished runs on data of a user's own: a folder of images, and a table."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from l2rw.config.load import Config, parse_config
from l2rw.data.kinds.survey import read
from l2rw.planning.plan import Plan
from l2rw.store.paths import Results
from l2rw.training.job import Job
from l2rw.training.train import run_job

TRAINING = {"steps": 12, "batch_size": 8, "clean_batch_size": 4, "learning_rate": 0.05}


class Finished(NamedTuple):
    """A configuration whose runs of ``l2rw`` are done, and what they were trained on."""

    config: Config
    folder: Path
    """Where it ran."""
    source: Path
    """The user's folder or table."""
    data: Path
    result: Path
    """Folder of the run."""


def train(folder, described, model):
    """Train in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return _train(folder, _with_clean(folder, described), model)


def _train(folder, described, model):
    """Do what the workflow does for one run."""
    raw = {
        "name": "mine",
        "targets": ["mine"],
        "data_sets": {"mine": described},
        "noisy_labels": {"seeds": 1, "validation_size": 6},
        "experiments": {
            "mine": {
                "kind": "table",
                "datasets": ["mine"],
                "corruptions": [{"name": "given", "clean_size": 0}],
                "rows": ["l2rw", "baseline"],
                "training": {**TRAINING, "model": model, "decay_at": [], "evaluations": 1},
            }
        },
    }
    config = parse_config(raw)
    plan, results = Plan(config), Results(config.results)
    entry = plan.describe("mine").cells[0]
    data = results.data(plan.data_file("mine"))
    dataset = read("mine", config.data_sets["mine"], None)
    dataset.save(data)
    split = results.split(entry.split, 0)
    entry.corruption.draw(dataset.labels, 0).save(split)
    out = results.run(entry.id, "0")
    job = Job(
        cell=entry,
        compute=plan.describe("mine").compute,
        seeds=range(1),
        data=data,
        splits=[split],
        parents=[],
        out=out,
        checkpoints=folder / "checkpoints",
        status=None,
    )
    run_job(job)
    return Finished(config, folder, folder / described["path"], folder / data, folder / out)


@pytest.fixture(scope="module")
def trained_images(tmp_path_factory):
    """Images of all sizes and formats in three classes; a network with batch normalisation."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for number in range(60):
        size = random.integers(9, 24, 2)
        pixels = random.integers(256, size=(*size, 3)).astype(np.uint8)
        pixels[..., number % 3] //= 4
        suffix = ("png", "jpg", "bmp")[number % 3]
        path = folder / "pictures" / f"class {number % 3}" / f"{number:02}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    described = {"kind": "image_folder", "path": "pictures", "size": 8, "fit": "pad"}
    return train(folder, described, "resnet_8x8")


@pytest.fixture(scope="module")
def trained_table(tmp_path_factory):
    """Numbers, categories and missing values."""
    folder = tmp_path_factory.mktemp("table")
    random = np.random.default_rng(1)
    n = 90
    label = np.arange(n) % 3
    frame = pd.DataFrame(random.normal(size=(n, 2)) + label[:, None], columns=["a", "b"])
    frame["colour"] = np.array(["red", "green", "blue"])[(label + (random.random(n) < 0.3)) % 3]
    frame.loc[::7, "a"] = np.nan
    frame.loc[::11, "colour"] = None
    frame["label"] = label
    frame.to_csv(folder / "rows.csv", index=False)
    described = {"kind": "feature_table", "path": "rows.csv", "duplicates": "keep"}
    return train(folder, described, "mlp")


@pytest.fixture
def images(trained_images, monkeypatch):
    """A finished run on images, in the folder that it ran in."""
    monkeypatch.chdir(trained_images.folder)
    return trained_images


@pytest.fixture
def table(trained_table, monkeypatch):
    """Likewise on a table."""
    monkeypatch.chdir(trained_table.folder)
    return trained_table


def _with_clean(folder, described):
    """Add a list of clean examples, two of each class, the first of them under another label."""
    kind = parse_config({"data_sets": {"mine": described}}).data_sets["mine"]
    own = read("mine", kind, None)
    names, lines = own.info.class_names, []
    for label in range(3):
        for number, place in enumerate(np.flatnonzero(own.train_labels == label)[:2]):
            right = (label + 1) % 3 if number == 0 else label
            lines.append((own.train_ids[place], names[right]))
    pd.DataFrame(lines, columns=["id", "label"]).to_csv(folder / "clean.csv", index=False)
    return {**described, "clean": "clean.csv"}
