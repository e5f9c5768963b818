"""Cells as plan files list them, and as results record them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any

from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.corruptions.base import Corruption
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.facts import data_file
from l2rw.methods import METHODS
from l2rw.models import MODELS
from l2rw.store.errors import UserError
from l2rw.store.identity import plain, restored
from l2rw.store.seeds import format_seeds, parse_seeds
from l2rw.theory.spec import SimulationSpec
from l2rw.training.spec import RunSpec
from l2rw.training.typed_json import require_known, require_type, require_types

SPECS: dict[str, type[RunSpec | SimulationSpec]] = {
    "training": RunSpec,
    "simulation": SimulationSpec,
}
"""The kinds of jobs, with the class of their settings."""
CELL_TYPES: dict[str, type | UnionType] = {
    **dict.fromkeys(("id", "split", "dataset", "corruption"), str),
    **{"jobs": list, "parameters": dict, "parent": str | None},
}
OPTIONAL_TYPES: dict[str, type | UnionType] = {
    **{"setting": dict, "data_file": str, "initial_weights": str},
}
"""The keys of a cell that it must have, and those that it may have, beside :data:`SPECS`."""


@dataclass(frozen=True)
class CellEntry:
    """A cell as a plan file lists it, and as the results of its runs record it."""

    id: str
    jobs: tuple[range, ...]
    """The seeds of each job."""
    split: str
    """Id of the split plan; with a seed, it names the split file."""
    dataset: str
    corruption: Corruption
    spec: RunSpec | SimulationSpec
    parent: str | None
    """Id of the cell whose trained networks this one needs, if it does."""
    setting: Mapping[str, Any]
    """Values in the experiment's table, by column; empty if it is only another's parent."""
    data_file: str | None = None
    """Name of the data set's file, if the data set is of the configuration and in no catalog."""
    initial_weights: str | None = None
    """File of the weights that its networks begin from, if they are not drawn."""

    @property
    def kind(self) -> str:
        """What its jobs do: ``training`` or ``simulation``."""
        return "training" if isinstance(self.spec, RunSpec) else "simulation"

    @property
    def data_name(self) -> str:
        """Name of the data set's file."""
        return self.data_file or data_file(CATALOG[self.dataset])

    @property
    def run_spec(self) -> RunSpec:
        """Settings of its runs.

        Raises:
            UserError: It is a simulation.
        """
        if not isinstance(self.spec, RunSpec):
            raise UserError(f"{self.id} is a simulation, not training.", "use `l2rw simulate`.")
        return self.spec

    @property
    def simulation_spec(self) -> SimulationSpec:
        """Settings of its simulations.

        Raises:
            UserError: It is training.
        """
        if not isinstance(self.spec, SimulationSpec):
            raise UserError(f"{self.id} is training, not a simulation.", "use `l2rw train`.")
        return self.spec

    def to_json(self) -> dict[str, Any]:
        """Return the entry as it stands in plan files and results."""
        return {
            **({"setting": dict(self.setting)} if self.setting else {}),
            "id": self.id,
            "jobs": [format_seeds(job) for job in self.jobs],
            "split": self.split,
            "dataset": self.dataset,
            **({"data_file": self.data_file} if self.data_file else {}),
            **({"initial_weights": self.initial_weights} if self.initial_weights else {}),
            "corruption": self.corruption.name,
            "parameters": plain(self.corruption),
            self.kind: plain(self.spec),
            "parent": self.parent,
        }

    @classmethod
    def from_json(cls, content: Any) -> "CellEntry":
        """Return the entry that :meth:`to_json` wrote; raise ValueError if it is none."""
        given = content if isinstance(content, dict) else {}
        kind = "simulation" if "simulation" in given else "training"
        types = CELL_TYPES | {kind: dict}
        types |= {key: type_ for key, type_ in OPTIONAL_TYPES.items() if key in given}
        require_types("a cell", content, types)
        spec = restored(SPECS[kind], content[kind])
        if isinstance(spec, RunSpec):
            require_known("method", spec.method, METHODS)
            require_known("model", spec.model, MODELS)
        if "data_file" not in content:
            require_known("data set", content["dataset"], CATALOG)
        require_known("corruption", content["corruption"], CORRUPTIONS)
        for job in content["jobs"]:
            require_type("a job", job, str)
        return cls(
            id=content["id"],
            jobs=tuple(map(parse_seeds, content["jobs"])),
            split=content["split"],
            dataset=content["dataset"],
            corruption=restored(CORRUPTIONS.load(content["corruption"]), content["parameters"]),
            spec=spec,
            parent=content["parent"],
            setting=content.get("setting", {}),
            data_file=content.get("data_file"),
            initial_weights=content.get("initial_weights"),
        )
