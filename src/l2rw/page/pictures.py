"""Pictures of the training examples whose labels are probably wrong."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from l2rw.data.datasets.dataset import Dataset, Images
from l2rw.store.checksums import verified_of_run
from l2rw.store.paths import SUSPECTS, Results
from l2rw.store.seeds import format_seeds
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
    if plan.settings["kind"] != "suspects":
        return []
    cell = plan.cells[-1]
    data = sorted(there.folder.glob(f"data/{cell.dataset}-*.npz"))
    if len(data) != 1:
        return []
    seed = min(plan.seeds)
    (job,) = (job for job in cell.jobs if seed in job)
    folder = there.run(cell.id, format_seeds(job))
    lines = pd.read_csv(verified_of_run(folder / SUSPECTS, cell.id, job))
    first = lines[lines["seed"] == seed].head(SHOWN)
    dataset = Dataset.load(data[0], data[0].name)
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
