import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cifar import pickled, publish_content
from tests.containers import WRITERS, shuffled, small_cifar10

from l2rw.config.documents import REPOSITORY
from l2rw.data.datasets import pictures
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.cifar10 import CONTAINERS
from l2rw.data.datasets.content import published_images
from l2rw.data.datasets.sources import check_files, fetch, require
from l2rw.store.errors import UserError

REAL = Path(
    os.environ.get("L2RW_TEST_CIFAR10")
    or os.environ.get("L2RW_DATA")
    or REPOSITORY / "data" / "raw"
)
SMALL = small_cifar10()


@pytest.fixture(autouse=True)
def no_folder_in_the_environment(monkeypatch):
    monkeypatch.delenv("L2RW_DATA", raising=False)


@pytest.fixture
def published(monkeypatch):
    """Make the small data the published ones."""
    publish_content(monkeypatch, SMALL)
    return SMALL


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The real CIFAR-10."""
    cache = tmp_path_factory.mktemp("cache")
    try:
        require("cifar10", REAL, download=False, cache=cache)
    except UserError as error:
        pytest.skip(f"name a folder with the real CIFAR-10 in L2RW_TEST_CIFAR10: {error}")
    return fetch("cifar10", REAL, download=False, cache=cache)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mine"


def read(folder):
    return fetch("cifar10", folder, download=False, cache=folder / "cache")


def refusal(folder):
    with pytest.raises(UserError) as error:
        read(folder)
    return str(error.value)


def check_same(one, other):
    for field in CATALOG["cifar10"].arrays:
        value, expected = getattr(one, field), getattr(other, field)
        assert value.dtype == expected.dtype
        assert value.flags.c_contiguous
        assert np.array_equal(value, expected)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
class TestEveryContainer:
    @pytest.mark.parametrize("where", ["", "cifar10"])
    def test_is_found_and_read(self, folder, published, write, where):
        write(published, folder / where)
        require("cifar10", folder, download=False, cache=folder / "cache")
        check_same(read(folder), published)
        assert list(check_files("cifar10", folder, folder / "cache").values()) == ["verified"]

    def test_may_have_the_images_in_any_order(self, folder, published, write):
        write(shuffled(published), folder)
        check_same(read(folder), published)

    def test_is_looked_for_without_being_read(self, folder, published, write):
        write(published, folder)
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(b"")
        require("cifar10", folder, download=True, cache=folder / "cache")
        assert "Hint" in refusal(folder)

    @pytest.mark.parametrize(("part", "size"), [("training", 25), ("test", 22)])
    def test_of_changed_images_tells_how_many(self, folder, published, write, part, size):
        field = {"training": "train_images", "test": "test_images"}[part]
        images = getattr(published, field).copy()
        images[[2, 7], 1, 3, 4] ^= 1
        write(replace(published, **{field: images}), folder)
        assert f"2 of its {size} {part} images differ" in refusal(folder)
        assert "NOT" in " ".join(check_files("cifar10", folder, folder / "cache").values())

    def test_of_changed_labels_is_refused(self, folder, published, write):
        labels = published.train_labels.copy()
        labels[3] = (labels[3] + 1) % 10
        write(replace(published, train_labels=labels), folder)
        assert "training images are the published ones, but their labels are not" in refusal(folder)

    def test_of_too_few_images_is_refused_by_their_shape(self, folder, published, write):
        few = replace(
            published,
            test_images=published.test_images[:-1],
            test_labels=published.test_labels[:-1],
        )
        write(few, folder)
        assert "test images have the shape (21, 3, 32, 32) instead of (22, " in refusal(folder)

    def test_of_an_image_twice_for_another_is_refused(self, folder, published, write):
        images = published.train_images.copy()
        images[4] = images[5]
        write(replace(published, train_images=images), folder)
        assert "1 of its 25 training images differ" in refusal(folder)


@pytest.mark.parametrize(
    ("container", "lost"),
    [
        ("python batches", "data_batch_4"),
        ("binary batches, in their folder", "cifar-10-batches-bin/test_batch.bin"),
        ("pictures by class", "test/ship"),
    ],
)
def test_what_an_incomplete_container_lacks_is_named(folder, published, container, lost):
    WRITERS[container](published, folder)
    (folder / lost).rename(folder / "elsewhere")
    for look in (read, lambda root: require("cifar10", root, download=False, cache=root)):
        with pytest.raises(UserError, match=rf"incomplete: it lacks .*{Path(lost).name}"):
            look(folder)


def test_a_complete_container_comes_before_an_incomplete_one(folder, published):
    WRITERS["python batches"](published, folder)
    (folder / "data_batch_2").unlink()
    WRITERS["binary batches"](published, folder / "cifar-10-batches-bin")
    check_same(read(folder), published)


def test_an_archive_that_lacks_a_batch_is_refused(folder, published):
    WRITERS["python archive, not compressed"](published, folder)
    path = folder / "cifar-10-python.tar"
    path.write_bytes(path.read_bytes().replace(b"data_batch_3", b"data_batch_9"))
    # The checksum of the member's header is that of the old name.
    assert str(path) in refusal(folder)


def test_absent_data_are_told_of_every_container(folder):
    folder.mkdir()
    for container in CONTAINERS:
        assert container.title in refusal(folder)
        assert container.title in next(iter(check_files("cifar10", folder, folder)))


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch, published):
    monkeypatch.setenv("HOME", str(tmp_path))
    WRITERS["binary batches"](published, tmp_path / "mine")
    check_same(read(Path("~/mine")), published)
    require("cifar10", Path("~/mine"), download=False, cache=tmp_path)
    monkeypatch.setenv("L2RW_DATA", "~/mine")
    check_same(fetch("cifar10", None, download=False, cache=tmp_path / "cache"), published)


@pytest.mark.parametrize(
    "batch",
    [
        pickle.dumps(Path("somewhere")),
        pickle.dumps(eval, protocol=2),
        pickled([1, 2]),
        pickled({b"data": b"", b"labels": [1]}),
        pickled({b"data": np.zeros((1, 3072), np.uint8)}),
        pickled({b"data": np.zeros((1, 3072), np.uint8), b"labels": [0.5]}),
        pickled({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}),
        pickled({b"data": np.zeros((1, 3072), np.float32), b"labels": [1]}),
        b"<html>",
        b"",
    ],
)
def test_what_is_no_batch_is_refused_by_name(folder, published, batch):
    WRITERS["python batches"](published, folder)
    (folder / "data_batch_3").write_bytes(batch)
    assert f"data_batch_3 of {folder} is" in refusal(folder)


def test_batches_that_python_3_pickled_anew_are_read(folder, published):
    WRITERS["python batches"](published, folder)
    for path in folder.iterdir():
        batch = pickle.loads(path.read_bytes(), encoding="bytes")
        path.write_bytes(pickle.dumps({key.decode(): batch[key] for key in batch}, protocol=5))
    check_same(read(folder), published)


class TestPictures:
    def test_of_another_size_are_refused_by_name(self, folder, published):
        WRITERS["pictures by class"](published, folder)
        path = next(folder.glob("train/cat/*.png"))
        Image.new("RGB", (28, 32)).save(path)
        assert f"{path} has 28×32 pixels instead of 32×32" in refusal(folder)

    def test_that_are_damaged_are_refused_by_name(self, folder, published):
        WRITERS["pictures by class"](published, folder)
        path = next(folder.glob("test/dog/*.png"))
        path.write_bytes(path.read_bytes()[:100])
        assert f"{path} is damaged" in refusal(folder)

    def test_other_files_beside_them_do_not_matter(self, folder, published):
        WRITERS["pictures by class"](published, folder)
        for name in ("Thumbs.db", "._1.png"):
            (folder / "train/cat" / name).write_bytes(b"junk")
        check_same(read(folder), published)


class TestParquet:
    def test_without_pyarrow_is_told_before_any_job(self, folder, monkeypatch):
        folder.mkdir()
        for part in ("train", "test"):
            (folder / f"{part}.parquet").write_bytes(b"")
        monkeypatch.setattr(pictures, "find_spec", lambda name: None)
        for look in (read, lambda root: require("cifar10", root, download=True, cache=root)):
            with pytest.raises(UserError, match=r"pyarrow.*Hint: .*pip install"):
                look(folder)

    def test_with_other_columns_is_refused_with_their_names(self, folder, published):
        pytest.importorskip("pyarrow", reason="pyarrow, which reads parquet, is optional")
        import pyarrow
        from pyarrow import parquet

        folder.mkdir()
        for part in ("train", "test"):
            table = pyarrow.table({"img": [b""], "fine_label": [1]})
            parquet.write_table(table, folder / f"{part}.parquet")
        assert "has the columns img, fine_label instead of" in refusal(folder)


class TestPublished:
    def test_images_differ_all_from_one_another(self):
        known = published_images("cifar10")
        assert {part: len(digests) for part, digests in known.items()} == {
            "train": 50000,
            "test": 10000,
        }
        assert len(np.unique(np.concatenate(list(known.values())))) == 60000

    @pytest.mark.slow
    def test_facts_of_the_catalog_are_true(self, real):
        sizes = np.bincount(real.train_labels).tolist()
        assert sizes == list(CATALOG["cifar10"].train_class_sizes)
        assert real.train_images.shape == (50000, *CATALOG["cifar10"].image_shape)
        # The published means of the three planes.
        means = real.train_images.mean(axis=(0, 2, 3)) / 255
        assert means == pytest.approx([0.49139968, 0.48215841, 0.44653091], abs=1e-8)

    @pytest.mark.slow
    @pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
    def test_images_are_read_from_every_container(self, real, folder, write):
        write(shuffled(real) if write is WRITERS["parquet"] else real, folder)
        check_same(read(folder), real)
