"""``l2rw export``: what a finished run knows, as files that others can read."""

import csv
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from l2rw.config.load import Config
from l2rw.data.datasets.facts import Facts
from l2rw.data.kinds.base import DatasetKind
from l2rw.data.kinds.label_file import write_labels
from l2rw.data.kinds.survey import Survey, look_at
from l2rw.experiments.cells import Cell
from l2rw.export.network_file import About, write_network
from l2rw.methods import METHODS
from l2rw.planning.plan import Plan
from l2rw.store.checksums import read_result, verified_of_run
from l2rw.store.errors import UserError, closest
from l2rw.store.files import replacing, write_csv
from l2rw.store.paths import NETWORK, RESULT, SUSPECTS, Results
from l2rw.store.seeds import format_seeds
from l2rw.training.engine.network import build_network
from l2rw.training.spec import RunSpec
from l2rw.training.trained import load_trained

WEIGHTS, LABELS = "weights", "labels.csv"
WEIGHT_COLUMNS = ("id", "given_label", "network_label", "mean_weight")


class Wanted(NamedTuple):
    """Which run is exported."""

    row: str
    seed: int
    experiment: str | None
    """The first of the targets that has the row if None."""


def export(config: Config, wanted: Wanted, out: Path | None) -> list[Path]:
    """Write the network, the weights and the labels of a run; return the files.

    Args:
        config: Of finished results, on a data set of the user's own.
        wanted: Which run.
        out: Folder to write to; below that of the results if None.

    Raises:
        UserError: There is no such run, or it is not done.
    """
    plan = Plan(config, config.results)
    cell = _cell(plan, wanted)
    folder = _folder(plan, cell, wanted.seed)
    name = cell.split.dataset
    kind = config.data_sets[name]
    found = look_at(name, kind)
    out = out or config.results / "export" / f"{wanted.row}-seed-{wanted.seed}"
    return [
        _network(out, cell, folder, wanted.seed, _about(cell, kind, found, folder, wanted.seed)),
        _weights(out, folder, wanted.seed, found.facts),
        write_labels(out / LABELS, found),
    ]


def _cell(plan: Plan, wanted: Wanted) -> Cell:
    """Return the cell of a row on a data set of the user's own."""
    if wanted.experiment is not None and wanted.experiment not in plan.experiments:
        raise UserError(
            f"There is no target {wanted.experiment!r}.",
            closest(wanted.experiment, plan.experiments),
        )
    rows: list[str] = []
    for name, experiment in plan.experiments.items():
        for planned in experiment.cells if wanted.experiment in (None, name) else ():
            cell, row = planned.cell, str(planned.setting.get("row"))
            if cell.split.dataset not in plan.config.data_sets or cell.kind != "training":
                continue
            if row == wanted.row:
                _require_one_network(cell)
                return cell
            rows.append(row)
    if not rows:
        raise UserError(
            "No target trains on a data set of your own.",
            "name a configuration with data_sets, such as `l2rw init` writes.",
        )
    raise UserError(
        f"No target has the row {wanted.row!r}.", closest(wanted.row, dict.fromkeys(rows))
    )


def _require_one_network(cell: Cell) -> None:
    assert isinstance(cell.spec, RunSpec)
    if not METHODS[cell.spec.method].one_network:
        raise UserError(
            f"{cell.spec.method} trains several networks that vote.", "export another row."
        )


def _folder(plan: Plan, cell: Cell, seed: int) -> Path:
    """Return the folder of a run's job, its network verified."""
    job = next((job for job in plan.done(cell) if seed in job), None)
    if job is None:
        raise UserError(
            f"Seed {seed} of {cell.id} is not trained.",
            "run `l2rw run` with this configuration first, or name another --seed.",
        )
    folder = Results(plan.config.results).run(cell.id, format_seeds(job))
    for file in (NETWORK, SUSPECTS):
        verified_of_run(folder / file, cell.id, job)
    return folder


def _about(cell: Cell, kind: DatasetKind, found: Survey, folder: Path, seed: int) -> About:
    assert isinstance(cell.spec, RunSpec)
    facts = found.facts
    made = read_result(folder / RESULT)["made"]
    return About(
        classes=facts.class_names,
        shape=facts.image_shape,
        pixel_range=facts.pixel_range,
        preprocessing=kind.preprocessing(found.layout),
        spec=cell.spec,
        provenance={"cell": cell.id, "seed": seed, "data": dict(facts.sha256), "made": made},
    )


def _network(out: Path, cell: Cell, folder: Path, seed: int, about: About) -> Path:
    network = build_network(about.spec, about.shape, len(about.classes))
    parameters, buffers = load_trained([folder / NETWORK], network, seed)
    write_network(out / NETWORK, about, parameters | buffers)
    return out / NETWORK


def _weights(out: Path, folder: Path, seed: int, facts: Facts) -> Path:
    """Write what each training example weighed: parquet, or CSV where pyarrow is absent."""
    lines = list(_weight_lines(folder / SUSPECTS, seed, facts))
    if importlib.util.find_spec("pyarrow") is None:
        path = out / f"{WEIGHTS}.csv"
        write_csv(path, WEIGHT_COLUMNS, (["" if c is None else c for c in one] for one in lines))
        return path
    import pandas as pd

    path = out / f"{WEIGHTS}.parquet"
    frame = pd.DataFrame(lines, columns=list(WEIGHT_COLUMNS))
    with replacing(path) as partial:
        frame.astype({"mean_weight": float}).to_parquet(partial, engine="pyarrow", index=False)
    return path


def _weight_lines(suspects: Path, seed: int, facts: Facts) -> Iterator[tuple[Any, ...]]:
    with suspects.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if int(line["seed"]) == seed:
                names = (facts.class_name(int(line[k])) for k in ("given_label", "model_label"))
                weight = float(line["mean_weight"]) if line["mean_weight"] else None
                yield (line["id"], *names, weight)
