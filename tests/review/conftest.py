"""Small data with names that are no friends of HTML, and a browser if there is one."""

import json
import re

import numpy as np
import pytest
import yaml
from PIL import Image

from l2rw.planning.table import read_config

from .browser import CHROMIUM, opened

TIT, WREN = "<b>tit", "wren \"'&,"
"""Names of classes: a folder may be called so."""


def paint(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(256, size=(10, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def birds(tmp_path, monkeypatch):
    """Forty images of each of two classes, and a configuration, below the current folder."""
    monkeypatch.chdir(tmp_path)
    for number in range(80):
        paint(tmp_path / "birds" / (TIT, WREN)[number % 2] / f"{number:02}.png", number)
    return configure(tmp_path)


def configure(folder, clean_size=0, **options):
    """Write a configuration of birds and return its file."""
    described = {"kind": "image_folder", "path": "birds", "size": 8, **options}
    training = {"model": "lenet_8x8", "steps": 6, "batch_size": 10, "clean_batch_size": 4}
    training |= {"decay_at": [], "evaluations": 1}
    table = {"kind": "table", "datasets": ["birds"], "rows": ["baseline", "l2rw"]}
    table |= {"corruptions": [{"name": "given", "clean_size": clean_size}], "training": training}
    config = {"name": "birds", "targets": ["birds"], "data_sets": {"birds": described}}
    config |= {"noisy_labels": {"seeds": 2, "validation_size": 8}, "experiments": {"birds": table}}
    path = folder / "birds.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def read(path):
    """Return the configuration of a file."""
    return read_config([path])


def data_of(page):
    """Return what a page holds for its script."""
    (found,) = re.findall(r'id="deck">(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(found)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A page in a browser that lives as long as the tests do."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (on Debian, apt install chromium)")
    with opened(tmp_path_factory.mktemp("browser")) as page:
        yield page
