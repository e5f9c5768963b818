"""Make data with wrong labels, for trying what docs/own_data.md describes.

``python examples/doubtful_labels.py try`` writes into the folder ``try``:

* ``handwriting/``: 1,797 handwritten digits of scikit-learn as PNG files, in a folder for each
  class. A third of them are in the folder of another class, mostly that of the next digit.
* ``breast_cancer.csv``: 569 rows of 30 features; the labels of a fifth of them are flipped.
* ``handwriting_truth.csv``, ``breast_cancer_truth.csv``: the right labels by id. In practice,
  nobody has such files; here they show how well everything worked.
* ``handwriting.yaml``, ``breast_cancer.yaml``: configurations.
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits

WRONG_DIGITS, NEXT, WRONG_ROWS = 1 / 3, 2 / 3, 1 / 5
SCALE = 4
"""Pixels of a picture for a pixel of a digit, which has 8×8 of them."""

CONFIGURATION = """\
name: {name}
targets: [{name}]

data_sets:
  {name}:
{options}
    clean: {folder}/{name}_clean.csv
    test_share: 0.3

noisy_labels: {{seeds: 3, validation_size: {validation}, fine_tuning_steps: 100}}

experiments:
  {name}:
    kind: table
    title: {title}
    datasets: [{name}]
    corruptions: [{{name: given, clean_size: 0}}]
    rows: [baseline, baseline+ft, gce, l2rw]
    training: {{{training}}}
"""


def write_digits(folder: Path, seed: int = 0) -> None:
    """Write digits as pictures, a third of them in the folder of another class."""
    digits, random = load_digits(), np.random.default_rng(seed)
    n = len(digits.target)
    wrong = random.random(n) < WRONG_DIGITS
    shift = np.where(random.random(n) < NEXT, 1, random.integers(2, 10, n))
    given = np.where(wrong, (digits.target + shift) % 10, digits.target)
    truth = []
    for number, (image, label) in enumerate(zip(digits.images, given, strict=True)):
        path = folder / "handwriting" / f"{label}" / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = (image * 255 / 16).astype(np.uint8).repeat(SCALE, 0).repeat(SCALE, 1)
        Image.fromarray(pixels).save(path)
        truth.append((f"{label}/{number:04}.png", digits.target[number]))
    write_table(folder / "handwriting_truth.csv", ["id", "label"], truth)
    options = f"    kind: image_folder\n    path: {folder}/handwriting\n    size: 8\n    grey: true"
    training = "model: lenet_8x8, steps: 1500, batch_size: 50, clean_batch_size: 50, "
    training += "learning_rate: 0.01, decay_at: [1000], evaluations: 4"
    configure(folder, "handwriting", "Handwriting", options, validation=100, training=training)


def write_breast_cancer(folder: Path, seed: int = 0) -> None:
    """Write a table, the labels of a fifth of its rows flipped."""
    cells, random = load_breast_cancer(), np.random.default_rng(seed)
    names = np.array(["malignant", "benign"])[cells.target]
    flipped = np.array(["malignant", "benign"])[1 - cells.target]
    given = np.where(random.random(len(names)) < WRONG_ROWS, flipped, names)
    rows = [[*map(str, row), label] for row, label in zip(cells.data, given, strict=True)]
    write_table(folder / "breast_cancer.csv", [*cells.feature_names, "label"], rows)
    truth = enumerate(names.tolist(), start=1)
    write_table(folder / "breast_cancer_truth.csv", ["id", "label"], truth)
    options = f"    kind: feature_table\n    path: {folder}/breast_cancer.csv"
    training = "model: mlp, steps: 600, batch_size: 50, clean_batch_size: 20, "
    training += "learning_rate: 0.01, decay_at: [450], evaluations: 4"
    configure(folder, "breast_cancer", "Breast cancer", options, validation=40, training=training)


def configure(
    folder: Path, name: str, title: str, options: str, *, validation: int, training: str
) -> None:
    """Write a configuration."""
    text = CONFIGURATION.format(
        name=name,
        folder=folder,
        options=options,
        validation=validation,
        title=title,
        training=training,
    )
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def write_table(path: Path, columns: list[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "try")
    target.mkdir(parents=True, exist_ok=True)
    write_digits(target)
    write_breast_cancer(target)
    print(f"Now: l2rw pick {target}/handwriting.yaml")
