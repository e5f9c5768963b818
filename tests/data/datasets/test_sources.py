import gzip
import hashlib
import os
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets
from tests.cifar import (
    archive_file,
    dataset_from_archive,
    members,
    pack,
    publish_content,
    write_archive,
)

from l2rw.config.documents import REPOSITORY
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.dataset import Dataset
from l2rw.data.datasets.facts import data_file
from l2rw.data.datasets.sources import check_files, fetch, require
from l2rw.store.errors import UserError
from l2rw.store.sealed_arrays import LENGTH

MNIST_FILES = list(CATALOG["mnist"].sha256)
CIFAR = ["cifar10", "cifar100"]
REAL_FILES = Path(os.environ.get("L2RW_DATA") or REPOSITORY / "data" / "raw")


@pytest.fixture(autouse=True)
def no_folder_in_the_environment(monkeypatch):
    monkeypatch.delenv("L2RW_DATA", raising=False)


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Make the catalog expect some files of a data set, given their content by name."""

    def publish(name, files):
        if name == "cifar10":  # known by its content
            put(tmp_path / "published", files)
            dataset = dataset_from_archive(tmp_path / "published" / archive_file(name))
            publish_content(monkeypatch, dataset)
            return
        sha256 = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
        monkeypatch.setitem(CATALOG.built_in, name, replace(CATALOG[name], sha256=sha256))

    return publish


def same(one, other):
    return one.name == other.name and all(
        np.array_equal(value, getattr(other, field))
        for field, value in vars(one).items()
        if field != "name"
    )


class TestDigits:
    def test_facts_of_the_catalog_are_true(self, digits):
        sizes = np.bincount(digits.train_labels).tolist()
        assert sizes == list(CATALOG["digits"].train_class_sizes)
        assert digits.train_images.shape == (sum(sizes), *CATALOG["digits"].image_shape)
        assert len(digits.train_labels) + len(digits.test_labels) == 1797

    def test_pixels_span_the_full_range_of_uint8(self, digits):
        assert digits.train_images.dtype == digits.test_images.dtype == np.uint8
        assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)

    def test_a_quarter_of_every_class_is_for_testing(self, digits):
        train, test = np.bincount(digits.train_labels), np.bincount(digits.test_labels)
        assert test.tolist() == ((train + test) // 4).tolist()


def mnist_files(train=5, test=3):
    """Files in MNIST's format with few images, by published name."""
    random = np.random.default_rng(0)

    def images(count):
        header = struct.pack(">4i", 2051, count, 28, 28)
        return header + random.integers(256, size=count * 784, dtype=np.uint8).tobytes()

    def labels(count):
        digits = random.integers(10, size=count, dtype=np.uint8)
        return struct.pack(">2i", 2049, count) + digits.tobytes()

    contents = [images(train), labels(train), images(test), labels(test)]
    return dict(zip(MNIST_FILES, contents, strict=True))


def put(folder, files, *, zipped=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(content, 1) if zipped else content)


class TestMnist:
    def test_facts_of_the_catalog_are_true(self, tmp_path):
        if "absent" in check_files("mnist", REAL_FILES, tmp_path).values():
            pytest.skip(f"MNIST is not in {REAL_FILES}; name its folder in L2RW_DATA")
        mnist = fetch("mnist", REAL_FILES, download=False, cache=tmp_path)
        sizes = np.bincount(mnist.train_labels).tolist()
        assert sizes == list(CATALOG["mnist"].train_class_sizes)
        assert mnist.train_images.shape == (60000, 1, 28, 28)
        assert mnist.test_images.shape == (10000, 1, 28, 28)
        assert len(mnist.test_labels) == 10000

    @pytest.mark.parametrize("zipped", [False, True])
    @pytest.mark.parametrize("where", ["", "mnist", "MNIST/raw", "mnist/MNIST/raw"])
    def test_files_are_found_plain_or_zipped_in_any_customary_folder(
        self, tmp_path, publish, where, zipped
    ):
        files = mnist_files()
        publish("mnist", files)
        put(tmp_path / where, files, zipped=zipped)
        mnist = fetch("mnist", tmp_path, download=False, cache=tmp_path / "cache")
        images = np.frombuffer(files[MNIST_FILES[0]][16:], np.uint8)
        assert np.array_equal(mnist.train_images, images.reshape(5, 1, 28, 28))
        assert mnist.train_labels.tolist() == list(files[MNIST_FILES[1]][8:])
        assert mnist.test_labels.tolist() == list(files[MNIST_FILES[3]][8:])
        assert mnist.train_labels.dtype == np.int64

    def test_the_environment_names_a_folder_too(self, tmp_path, publish, monkeypatch):
        files = mnist_files()
        publish("mnist", files)
        put(tmp_path / "mine", files)
        monkeypatch.setenv("L2RW_DATA", str(tmp_path / "mine"))
        mnist = fetch("mnist", None, download=False, cache=tmp_path / "cache")
        assert len(mnist.train_labels) == 5

    def test_the_given_folder_comes_before_the_cache(self, tmp_path, publish):
        files = mnist_files()
        publish("mnist", files)
        put(tmp_path / "mine", files)
        put(tmp_path / "cache" / "mnist", dict.fromkeys(files, b"junk"))
        assert (
            len(
                fetch(
                    "mnist", tmp_path / "mine", download=False, cache=tmp_path / "cache"
                ).train_labels
            )
            == 5
        )


class Flag:
    """Unpickled, creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class TestCifar:
    def check(self, dataset, train, test):
        """Images show their labels; see :mod:`tests.cifar`."""
        assert dataset.train_labels.tolist() == list(train)
        assert dataset.test_labels.tolist() == list(test)
        for images, labels in (
            (dataset.train_images, dataset.train_labels),
            (dataset.test_images, dataset.test_labels),
        ):
            assert images.shape == (len(labels), 3, 32, 32)
            assert images.dtype == np.uint8
            assert labels.dtype == np.int64
            red, green, blue = images.reshape(len(labels), 3, 1024).transpose(1, 0, 2)
            assert (red == labels[:, None]).all()
            assert (green == labels[:, None] + 100).all()
            assert len(np.unique(blue, axis=0)) == len(labels)

    @pytest.mark.parametrize("name", CIFAR)
    def test_batches_are_joined_in_their_order(self, tmp_path, name):
        train = np.arange(13) * 7 % CATALOG[name].classes
        test = np.array([CATALOG[name].classes - 1, 0])
        path = tmp_path / archive_file(name)
        path.write_bytes(pack(name, members(name, train, test, np.random.default_rng(0))))
        dataset = dataset_from_archive(path)
        assert dataset.name == name
        self.check(dataset, train, test)
        blue = np.random.default_rng(0).integers(256, size=1024)
        assert np.array_equal(dataset.train_images[0, 2], blue.reshape(32, 32))

    @pytest.mark.parametrize("name", CIFAR)
    @pytest.mark.parametrize("where", ["", "own"])
    def test_the_archive_is_found_in_the_folder_or_in_one_of_its_name(
        self, tmp_path, publish, name, where
    ):
        files = small_files(name)
        publish(name, files)
        put(tmp_path / (where and name), files)
        dataset = fetch(name, tmp_path, download=False, cache=tmp_path / "cache")
        assert len(dataset.train_labels) == 12
        require(name, tmp_path, download=False, cache=tmp_path / "cache")

    @pytest.mark.parametrize(
        ("name", "member"), [("cifar10", "data_batch_1"), ("cifar100", "train")]
    )
    def test_an_archive_of_unknown_content_calls_nothing(self, tmp_path, name, member):
        flag = tmp_path / "unpickled"
        pickled = pickle.dumps(Flag(flag), protocol=2)
        pickle.loads(pickled)
        assert flag.exists()
        flag.unlink()

        file = archive_file(name)
        put(tmp_path, {file: pack(name, {member: pickled})})
        with pytest.raises(UserError, match=file):
            fetch(name, tmp_path, download=False, cache=tmp_path / "cache")
        assert "NOT" in check_files(name, tmp_path, tmp_path / "cache")[str(tmp_path / file)]
        assert not flag.exists()

    def test_even_a_published_archive_calls_nothing(self, tmp_path, publish):
        flag = tmp_path / "unpickled"
        hostile = pickle.dumps(Flag(flag), protocol=2)
        files = {archive_file("cifar100"): pack("cifar100", {"train": hostile})}
        publish("cifar100", files)
        put(tmp_path, files)
        with pytest.raises(UserError, match=rf"train of .*{archive_file('cifar100')} is refused"):
            fetch("cifar100", tmp_path, download=False, cache=tmp_path / "cache")
        assert not flag.exists()

    @pytest.mark.parametrize("name", CIFAR)
    def test_archives_for_tests_are_determined_by_their_seed(self, tmp_path, name):
        one, same, other = (
            write_archive(tmp_path / folder, name, 203, 51, seed).read_bytes()
            for folder, seed in (("one", 0), ("same", 0), ("other", 1))
        )
        assert one == same != other
        sizes = np.bincount(
            dataset_from_archive(tmp_path / "one" / archive_file(name)).train_labels
        )
        assert len(sizes) == CATALOG[name].classes
        assert sizes.max() - sizes.min() == 1


def small_files(name):
    """Published files of a data set with few images, by name."""
    if name == "mnist":
        return mnist_files()
    random = np.random.default_rng(0)
    return {archive_file(name): pack(name, members(name, np.arange(12) % 10, np.arange(3), random))}


@pytest.mark.parametrize("name", ["mnist", *CIFAR])
class TestRefusals:
    """Whatever is published as files is refused alike where they are absent or not as published."""

    def test_absent_files_are_all_named(self, tmp_path, name):
        with pytest.raises(UserError) as refusal:
            fetch(name, tmp_path / "mine", download=False, cache=tmp_path / "cache")
        for named in (
            *CATALOG[name].sha256,
            str(tmp_path / "mine"),
            str(tmp_path / "cache"),
            "L2RW_DATA",
        ):
            assert named in str(refusal.value)
        assert set(check_files(name, tmp_path, tmp_path).values()) == {"absent"}

    @pytest.mark.parametrize(
        "error", [OSError("no route to host"), RuntimeError("File not found or corrupted.")]
    )
    def test_a_failed_download_is_told_as_absent_files(
        self, tmp_path, monkeypatch, caplog, name, error
    ):
        def fails(folder, download):
            raise error

        monkeypatch.setattr(torchvision.datasets, name.upper(), fails)
        with pytest.raises(UserError, match=next(iter(CATALOG[name].sha256))):
            fetch(name, None, download=True, cache=tmp_path)
        assert str(error) in caplog.text

    def test_a_download_is_kept_and_verified(self, tmp_path, publish, monkeypatch, name):
        files = small_files(name)
        publish(name, files)
        folder = tmp_path / name / ("MNIST/raw" if name == "mnist" else "")
        monkeypatch.setattr(
            torchvision.datasets, name.upper(), lambda root, download: put(folder, files)
        )
        downloaded = fetch(name, None, download=True, cache=tmp_path)
        assert same(downloaded, fetch(name, None, download=False, cache=tmp_path))
        put(folder, dict.fromkeys(files, b"junk"))
        with pytest.raises(UserError, match="delete it to download it again"):
            fetch(name, None, download=True, cache=tmp_path)


@pytest.mark.parametrize("damage", ["changed", "cut", "empty", "a page"])
@pytest.mark.parametrize(
    ("name", "zipped"),
    [("mnist", False), ("mnist", True), *((name, False) for name in CIFAR), ("cifar100", True)],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, publish, name, zipped, damage):
    files = small_files(name)
    publish(name, files)
    put(tmp_path, files, zipped=zipped)
    *_, file = files
    path = tmp_path / (f"{file}.gz" if zipped else file)
    if damage == "changed":
        content = bytearray(files[file])
        content[len(content) // 2] ^= 1
        path.write_bytes(gzip.compress(content) if zipped else content)
    elif damage == "cut":
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(b"" if damage == "empty" else b"<html>404 not found</html>")
    with pytest.raises(UserError, match=rf"{path.name}.* Hint: "):
        fetch(name, tmp_path, download=False, cache=tmp_path / "cache")
    assert "NOT" in check_files(name, tmp_path, tmp_path / "cache")[str(path)]


class TestDatasetFile:
    def test_is_read_as_it_was_written(self, tmp_path, digits):
        digits.save(tmp_path / "digits.npz")
        assert same(Dataset.load(tmp_path / "digits.npz"), digits)
        assert [path.name for path in tmp_path.iterdir()] == ["digits.npz"]

    def test_does_not_hide_damage(self, tmp_path, digits):
        path = tmp_path / "digits.npz"
        digits.save(path)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"{path} cannot be read as arrays .*SHA-256.* Hint: "):
            Dataset.load(path)

    def test_of_another_data_set_is_refused(self, tmp_path, digits):
        path = tmp_path / "digits.npz"
        digits.save(path)
        assert Dataset.load(path, data_file(digits.info))
        with pytest.raises(UserError, match=rf"{path} contains .* of digits-.*, not of mine"):
            Dataset.load(path, "mine-01234567.npz")

    def test_of_earlier_versions_is_read_and_guarded_by_their_crc(self, tmp_path, digits):
        path = tmp_path / "digits.npz"
        digits.save(path)
        content = bytearray(path.read_bytes())
        sealed = content[:-LENGTH]
        sealed[-2:] = bytes(2)  # the length of the comment
        path.write_bytes(sealed)
        assert same(Dataset.load(path), digits)
        sealed[len(sealed) // 2] ^= 1
        path.write_bytes(sealed)
        with pytest.raises(UserError, match=rf"{path} cannot be read as arrays .*CRC.* Hint: "):
            Dataset.load(path)


class TestRequire:
    """What is known to be absent is told before any job starts."""

    def require(self, folder, *, root=None, name="mnist", download=False):
        require(name, root, download=download, cache=folder / "cache")

    def test_absent_files_are_refused_unless_they_may_be_downloaded(self, tmp_path):
        with pytest.raises(UserError, match=MNIST_FILES[0]):
            self.require(tmp_path)
        self.require(tmp_path, download=True)
        self.require(tmp_path, name="digits")

    def test_the_last_absent_file_is_named_and_present_ones_are_not_read(self, tmp_path):
        put(tmp_path, dict.fromkeys(MNIST_FILES[:3], b"junk"))
        with pytest.raises(UserError, match=f"{MNIST_FILES[3]} is not in"):
            self.require(tmp_path, root=tmp_path)
        put(tmp_path, {MNIST_FILES[3]: b"junk"}, zipped=True)
        self.require(tmp_path, root=tmp_path)

    @pytest.mark.parametrize("by_environment", [False, True])
    def test_a_folder_that_does_not_exist_is_refused(self, tmp_path, monkeypatch, by_environment):
        nowhere = tmp_path / "nowhere"
        if by_environment:
            monkeypatch.setenv("L2RW_DATA", str(nowhere))
        with pytest.raises(UserError, match=rf"{nowhere}.* Hint: .*L2RW_DATA"):
            self.require(tmp_path, root=None if by_environment else nowhere, download=True)


class TestVerdicts:
    def test_digits_are_always_there(self, tmp_path):
        assert check_files("digits", None, tmp_path) == {"embedded in scikit-learn": "verified"}

    def test_every_file_is_verified_damaged_or_absent(self, tmp_path, publish):
        files = mnist_files()
        publish("mnist", files)
        good, bad, *absent = files
        put(tmp_path, {good: files[good], bad: b"junk"})
        assert check_files("mnist", tmp_path, tmp_path / "cache") == {
            str(tmp_path / good): "verified",
            str(tmp_path / bad): "NOT the published content",
            **dict.fromkeys(absent, "absent"),
        }
