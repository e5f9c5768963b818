"""Plans made up without a configuration."""

from collections.abc import Iterable, Mapping
from typing import Any

from l2rw.data.corruptions.base import Corruption
from l2rw.data.corruptions.uniform_flip import UniformFlip
from l2rw.theory.spec import SimulationSpec
from l2rw.training.cell_entry import CellEntry
from l2rw.training.plan_file import Compute, PlanFile
from l2rw.training.spec import RunSpec

COMPUTE = Compute(
    device="cpu",
    threads=1,
    seeds_per_job=1,
    stack=1,
    jobs_per_gpu=1,
    compile=False,
    capture=True,
    deterministic=False,
    checkpoint_seconds=60.0,
)
FLIP = UniformFlip(classes=10, noise=0.4, clean_size=20, validation_size=100, authors_code=False)
RUN = RunSpec(
    method="l2rw",
    model="lenet_8x8",
    steps=6,
    batch_size=8,
    clean_batch_size=4,
    learning_rate=0.05,
    decay_at=(),
    momentum=0.9,
    weight_decay=0.0,
    crop_padding=0,
    mirror=False,
    precision="float32",
    evaluations=2,
    trains_on="noisy",
    fine_tunes=False,
    method_settings=(),
    optimizer="sgd",
    nesterov=False,
    averaging=0.0,
    initial_weights="",
    schedule="step",
)


def made_up_cell(
    key: str,
    setting: Mapping[str, Any],
    jobs: Iterable[range] = (range(1),),
    spec: RunSpec | SimulationSpec = RUN,
    *,
    corruption: Corruption = FLIP,
    dataset: str = "digits",
    parent: str | None = None,
) -> CellEntry:
    """Return a cell whose id is ``split/name``."""
    split = key.partition("/")[0]
    return CellEntry(key, tuple(jobs), split, dataset, corruption, spec, parent, setting)


def made_up_plan(
    experiment: str,
    cells: Iterable[CellEntry],
    parents: Iterable[CellEntry] = (),
    *,
    seeds: int = 1,
    settings: Mapping[str, Any] | None = None,
) -> PlanFile:
    """Return the plan of an experiment."""
    return PlanFile(
        configuration="made-up",
        experiment=experiment,
        digest="d16e57",
        analysis="c0de",
        caption="Accuracy (%) of A & B_c",
        compute=COMPUTE,
        settings=settings or {},
        seeds=tuple(range(seeds)),
        cells=tuple(cells),
        parents=tuple(parents),
    )
