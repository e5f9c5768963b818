"""Pictures of the training examples whose labels are probably wrong."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from l2rw.analysis.inputs import pictured
from l2rw.data.datasets.dataset import Dataset, Images
from l2rw.store.checksums import verified_of_run
from l2rw.store.paths import Results
from l2rw.training.plan_file import PlanFile

SHOWN = 24


@dataclass(frozen=True)
class Picture:
    """A training example."""

    image: str
    """PNG as a data URI."""
    given: str
    """Its label in the training set."""
    network: str
    """The trained network's."""
    wrong: bool
    """Whether its label is wrong, which is known here."""


def pictures_of(plan: PlanFile, there: Results) -> list[Picture]:
    """Return those of the least weight, first split, by the last row of suspects.

    None where the experiment is another, or the data set is not at hand, or is a table.
    """
    shown = pictured(plan)
    if shown is None or not (data := there.data(shown.cell.data_name)).exists():
        return []
    lines = pd.read_csv(verified_of_run(shown.suspects(there), shown.cell.id, shown.job))
    first = lines[lines["seed"] == shown.seed].head(SHOWN)
    dataset = Dataset.load(data, data.name)
    if not dataset.info.has_images:
        return []
    images = dataset.train_images
    return [
        Picture(
            image=_png(images, int(line["image"])),
            given=str(line["given_label"]),
            network=str(line["model_label"]),
            wrong=not line["clean"],
        )
        for line in first.to_dict("records")
    ]


def _png(images: Images, index: int) -> str:
    pixels = np.moveaxis(images[index], 0, -1)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    file = io.BytesIO()
    picture.save(file, format="png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
