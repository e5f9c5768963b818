import io
import os
import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cifar import publish_content
from tests.containers import WRITERS, small_cifar10

from l2rw.config.documents import REPOSITORY
from l2rw.data.corruptions.given import Given
from l2rw.data.datasets.catalog import CATALOG, HUMAN_LABELS
from l2rw.data.datasets.cifar_n import unpickle_labels
from l2rw.data.datasets.content import sha256_of
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.sources import check_files, fetch, require
from l2rw.store.errors import UserError

NAME, FILE = "cifar10n_worse", "CIFAR-10_human.pt"
SMALL = small_cifar10()
N = len(SMALL.train_labels)
GIVEN = (SMALL.train_labels + (np.arange(N) % 2)) % 10
ARRAYS = {"clean_label": SMALL.train_labels, "worse_label": GIVEN}


def saved(arrays, **options):
    """What torch.save makes of arrays by name."""
    stream = io.BytesIO()
    torch.save(arrays, stream, **options)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with small images and labels, which the catalog takes for the published ones."""
    monkeypatch.delenv("L2RW_DATA", raising=False)
    publish_content(monkeypatch, SMALL)
    content = saved(ARRAYS)
    record = replace(
        CATALOG[NAME],
        train_class_sizes=tuple(np.bincount(SMALL.train_labels, minlength=10).tolist()),
        sha256=CATALOG[NAME].sha256 | {FILE: sha256(content).hexdigest()},
        arrays={"given": sha256_of(GIVEN)},
    )
    monkeypatch.setitem(CATALOG.built_in, NAME, record)
    next(iter(WRITERS.values()))(SMALL, tmp_path / "mine")
    (tmp_path / "mine" / FILE).write_bytes(content)
    return tmp_path / "mine"


def read(folder):
    return fetch(NAME, folder, download=False, cache=folder / "cache")


@pytest.mark.parametrize("container", ["pt", "npz"])
def test_labels_of_people_come_beside_true_ones(folder, container, tmp_path):
    if container == "npz":
        (folder / FILE).unlink()
        np.savez(folder / "cifar10n.npz", **{k: v.astype(np.uint8) for k, v in ARRAYS.items()})
    dataset = read(folder)
    assert dataset.name == NAME
    assert np.array_equal(dataset.train_images, SMALL.train_images)
    assert np.array_equal(dataset.own.given, GIVEN)
    assert np.array_equal(dataset.train_labels, SMALL.train_labels)
    dataset.save(tmp_path / "n.npz")
    loaded = Dataset.load(tmp_path / "n.npz")
    assert loaded.info is CATALOG[NAME]
    split = Given(classes=10, clean_size=10, validation_size=0).draw(loaded.labels, 0)
    assert np.array_equal(split.train.labels, GIVEN[split.train.indices])
    assert np.array_equal(
        split.train.label_is_correct, (SMALL.train_labels == GIVEN)[split.train.indices]
    )
    assert split.train.truth_is_known.all()
    assert np.array_equal(split.clean.labels, SMALL.train_labels[split.clean.indices])
    (verdict,) = check_files(NAME, folder, folder / "cache").values()
    assert verdict == "verified"


@pytest.mark.parametrize("legacy", [False, True])
def test_both_formats_of_pytorch_are_read(legacy):
    content = saved(ARRAYS, _use_new_zipfile_serialization=not legacy)
    found = unpickle_labels(content, "it")
    assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items())


class Harmful:
    def __reduce__(self):
        return os.system, ("false",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps({"clean_label": Harmful()}), "is refused: .* has no need of .*system"),
        (saved({"clean_label": Harmful()}), "is refused"),
        (saved({"labels": [1]}), "holds no labels"),
        (b"no pickle", "damaged"),
    ],
)
def test_what_is_no_dictionary_of_arrays_is_refused(content, said):
    with pytest.raises(UserError, match=said):
        unpickle_labels(content, "it")


def test_another_file_or_other_labels_are_refused(folder):
    good = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(good + b" ")
    with pytest.raises(UserError, match=f"is not the published {FILE}"):
        read(folder)
    (folder / FILE).unlink()
    with pytest.raises(UserError, match="The labels of cifar10n_worse are not in"):
        require(NAME, folder, download=False, cache=folder / "cache")
    np.savez(folder / "cifar10n.npz", **ARRAYS | {"worse_label": GIVEN[::-1]})
    with pytest.raises(UserError, match="are not the published ones"):
        read(folder)
    np.savez(folder / "cifar10n.npz", worse_label=GIVEN)
    with pytest.raises(UserError, match="whole numbers under 'clean_label'"):
        read(folder)
    np.savez(folder / "cifar10n.npz", **ARRAYS | {"clean_label": SMALL.train_labels[::-1]})
    with pytest.raises(UserError, match=f"true labels of {FILE} are not those of cifar10"):
        read(folder)


REAL = Path(os.environ.get("L2RW_TEST_CIFAR10N") or REPOSITORY / "data" / "raw" / "cifar10n")
WRONG = {"aggre": 0.0901, "random1": 0.1723, "random2": 0.1812, "random3": 0.1764, "worse": 0.4021}
"""Shares of wrong labels as published (Wei et al. 2022, Table 1)."""


@pytest.mark.parametrize("which", WRONG)
def test_real_labels_are_wrong_as_often_as_published(which):
    file = REAL / "cifar10n.npz"
    if not file.exists():
        pytest.skip("name a folder with cifar10n.npz in L2RW_TEST_CIFAR10N")
    name = f"cifar10n_{which}"
    with np.load(file) as arrays:
        given = arrays[HUMAN_LABELS[name]].astype(np.int64)
        true = arrays["clean_label"].astype(np.int64)
    assert sha256_of(given) == CATALOG[name].arrays["given"]
    assert sha256_of(true) == CATALOG["cifar10"].arrays["train_labels"]
    assert (given != true).mean() == pytest.approx(WRONG[which], abs=5e-4)
