"""Plan files: the instructions for jobs, tables and figures. Only this module handles them.

The workflow writes a plan file for each experiment from a validated configuration; a job reads its
own, perhaps on a machine that has only PyTorch and NumPy. So this module needs only the standard
library and the classes of settings. It is here because training is the lowest package that reads
plans; simulations do not need it.

The name of a plan file ends in the digest of its content, so an edited or damaged file is refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from l2rw.store.errors import UserError, closest, why
from l2rw.store.files import write_text
from l2rw.store.identity import digest, plain, restored
from l2rw.training.cell_entry import CellEntry
from l2rw.training.spec import RunSpec
from l2rw.training.typed_json import require_type, require_types

PLAN_TYPES: dict[str, type | UnionType] = {
    **dict.fromkeys(("configuration", "experiment", "digest", "analysis", "caption"), str),
    **dict.fromkeys(("compute", "settings"), dict),
    **dict.fromkeys(("seeds", "cells", "parents"), list),
}
"""The keys of plan files."""


@dataclass(frozen=True)
class Compute:
    """How jobs run; :class:`l2rw.config.schema.Compute` says what the keys mean."""

    device: Literal["auto", "cpu", "cuda"]
    threads: int
    seeds_per_job: int
    stack: int
    jobs_per_gpu: int
    compile: bool
    capture: bool
    deterministic: bool
    checkpoint_seconds: float


@dataclass(frozen=True)
class PlanFile:
    """An experiment's plan: all that its jobs, its table and its figure need to know."""

    configuration: str
    """Name of the configuration and of its folder of results."""
    experiment: str
    digest: str
    """Identity of what is made from the cells; tables and figures record it."""
    analysis: str
    """Digest of the code that makes tables, figures and verdicts."""
    caption: str
    compute: Compute
    settings: Mapping[str, Any]
    """The configuration behind the experiment, as plain data."""
    seeds: tuple[int, ...]
    """The seeds that are shown."""
    cells: tuple[CellEntry, ...]
    """The cells that are shown."""
    parents: tuple[CellEntry, ...]
    """Cells that are not shown but that others depend on; each after those that it depends on."""

    @property
    def file_name(self) -> str:
        """Name of the file, which contains the digest of its content."""
        return _file_name(self.to_json())

    def cell(self, key: str) -> CellEntry:
        """Return the cell with an id; raise :class:`UserError` if there is none."""
        return self._first("cell", key, lambda cell: cell.id)

    def cell_of_split(self, key: str) -> CellEntry:
        """Return the first cell whose split plan has an id; raise :class:`UserError` likewise."""
        return self._first("split", key, lambda cell: cell.split)

    def training(self) -> Iterator[tuple[CellEntry, RunSpec]]:
        """Yield the cells that are trained, shown ones first, and the settings of their runs."""
        for cell in self._all_cells():
            if isinstance(cell.spec, RunSpec):
                yield cell, cell.spec

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            "configuration": self.configuration,
            "experiment": self.experiment,
            "digest": self.digest,
            "analysis": self.analysis,
            "caption": self.caption,
            "compute": plain(self.compute),
            "settings": dict(self.settings),
            "seeds": list(self.seeds),
            "cells": [cell.to_json() for cell in self.cells],
            "parents": [cell.to_json() for cell in self.parents],
        }

    @classmethod
    def from_json(cls, content: Any) -> "PlanFile":
        """Return the plan that :meth:`to_json` wrote; raise ValueError if it is none."""
        require_types("the plan", content, PLAN_TYPES)
        for seed in content["seeds"]:
            require_type("a seed", seed, int)
        made = {
            "compute": restored(Compute, content["compute"]),
            "seeds": tuple(content["seeds"]),
            "cells": tuple(map(CellEntry.from_json, content["cells"])),
            "parents": tuple(map(CellEntry.from_json, content["parents"])),
        }
        plan = cls(**content | made)
        for cell in plan.cells:
            if not cell.setting:
                raise ValueError(f"cell {cell.id!r} lacks 'setting'")
        plan._require_parents()
        return plan

    def write(self, folder: Path) -> None:
        """Write the file into a folder, unless it is there already."""
        path = folder / self.file_name
        text = json.dumps(self.to_json(), indent=1) + "\n"
        if not path.exists() or path.read_bytes() != text.encode():
            write_text(path, text)

    def _all_cells(self) -> tuple[CellEntry, ...]:
        return self.cells + self.parents

    def _require_parents(self) -> None:
        """Raise ValueError if a cell depends on one that is missing, or on itself."""
        above = {cell.id: cell.parent for cell in self._all_cells()}
        for cell in self._all_cells():
            seen, parent = {cell.id}, cell.parent
            while parent is not None:
                if parent in seen or parent not in above:
                    raise ValueError(f"the parents of cell {cell.id!r} are not all listed")
                seen.add(parent)
                parent = above[parent]

    def _first(self, kind: str, key: str, key_of: Callable[[CellEntry], str]) -> CellEntry:
        cells = {key_of(cell): cell for cell in reversed(self._all_cells())}
        if key not in cells:
            raise UserError(f"{self.file_name} has no {kind} {key!r}.", closest(key, cells))
        return cells[key]


def read_plan(path: Path) -> PlanFile:
    """Read a plan file.

    Raises:
        UserError: It cannot be read, is not a plan file, or its name has another digest.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        plan = PlanFile.from_json(content)
    except OSError as error:
        raise _unreadable(path, why(error)) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text") from None
    except RecursionError:
        raise _unreadable(path, "it is nested too deeply") from None
    except ValueError as error:
        raise _unreadable(path, str(error)) from None
    if path.name != (name := _file_name(content)):
        raise UserError(
            f"{path} was edited, damaged or renamed: its content belongs to {name}.",
            "run `snakemake -n` with the same configuration: it writes the plan files again.",
        )
    return plan


def _file_name(content: Mapping[str, Any]) -> str:
    return f"{content['experiment']}-{digest(content)}.json"


def _unreadable(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} cannot be read as a plan file: {why}.",
        "name one that the workflow wrote, in results/<name>/plan.",
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
