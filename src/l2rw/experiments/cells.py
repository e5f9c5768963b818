"""Cells: a method at a setting, with an identity that contains everything it depends on.

The identity is part of a result's path. A changed setting is therefore another path and must be
computed; if it is changed back, the old path exists and nothing runs. File times do not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.corruptions.base import Corruption
from l2rw.data.datasets.facts import Facts
from l2rw.methods import METHODS
from l2rw.models import MODELS
from l2rw.store.errors import UserError
from l2rw.store.identity import RESULTS_REVISION, digest, plain, revisions
from l2rw.store.paths import CHECKS, RESULT
from l2rw.store.provenance import source_hash
from l2rw.theory.spec import SimulationSpec
from l2rw.training.spec import RunSpec

PACKAGES_OF_OUTPUTS = (
    *(
        "analysis",
        "claims",
        "page",
        "review",
        "theory",
        "config",
        "experiments",
        "planning",
        "store",
    ),
    *("core", "data", "methods", "models"),
    *(f"training/{name}.py" for name in ("cell_entry", "plan_file", "roc", "spec", "typed_json")),
)
"""The code that makes tables, figures and verdicts: everything that they import."""
TRUTH = ("noise rate", "true labels")
"""Information for methods that follows from true labels."""


@dataclass(frozen=True)
class SplitPlan:
    """A corruption of a data set; with a seed, a split."""

    data: Facts
    corruption: Corruption

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.data.name

    @cached_property
    def id(self) -> str:
        """Readable name and digest."""
        return f"{self.dataset}-{self.corruption.label}-{digest(self.identity)}"

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the splits, but the seed."""
        return {
            "revision": RESULTS_REVISION,
            "dataset": self.dataset,
            "content": dict(self.data.sha256),
            "corruption": self.corruption.name,
            "parameters": plain(self.corruption),
            **revisions(self.data, CORRUPTIONS[self.corruption.name]),
        }


@dataclass(frozen=True)
class Cell:
    """A method at a setting; with a seed, a run. Or a simulation that checks the theory."""

    split: SplitPlan
    spec: RunSpec | SimulationSpec
    name: str = field(compare=False)
    """For people, in the path."""
    parent: "Cell | None" = None
    """The cell whose trained network this one needs: to continue from, or to estimate how labels
    were corrupted."""
    initial_weights: str | None = field(default=None, compare=False)
    """File of the weights that the network begins from; its content is part of ``spec``."""

    def __post_init__(self) -> None:
        """Raise :class:`UserError` unless the data suit the run."""
        if isinstance(self.spec, RunSpec):
            _require_network_for(self.split.data, self.spec)
            _require_truth_for(self.split, self.spec)

    @cached_property
    def id(self) -> str:
        """Readable name and digest, in two path components: split, and method."""
        return f"{self.split.id}/{self.name}-{digest(self.identity)}"

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the results, but the seed."""
        return {
            "revision": RESULTS_REVISION,
            "split": self.split.identity,
            self.kind: plain(self.spec),
            "parent": self.parent and self.parent.identity,
            **self._revisions,
        }

    @property
    def _revisions(self) -> dict[str, Any]:
        if not isinstance(self.spec, RunSpec):
            return {}
        return revisions(METHODS[self.spec.method], MODELS[self.spec.model])

    @property
    def kind(self) -> str:
        """What its jobs do: ``training`` or ``simulation``."""
        return "training" if isinstance(self.spec, RunSpec) else "simulation"

    @property
    def result(self) -> str:
        """The file of a run that is written last: it is done once that is there."""
        return RESULT if self.kind == "training" else CHECKS

    @property
    def ancestry(self) -> "list[Cell]":
        """The cell after all that it waits for."""
        return [*(self.parent.ancestry if self.parent else []), self]


@dataclass(frozen=True)
class PlannedCell:
    """A cell in its place in an experiment."""

    cell: Cell
    setting: Mapping[str, Any]
    """Where the cell stands in the experiment's sweep, by column of the tidy table."""


@dataclass(frozen=True)
class Experiment:
    """One figure or table of the paper as cells."""

    name: str
    caption: str
    """What was done, in words, with the settings that matter."""
    cells: tuple[PlannedCell, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]
    """The configuration behind it."""
    results_file: str = RESULT
    """The file of every run that its table is made from."""

    @cached_property
    def all_cells(self) -> dict[str, Cell]:
        """The cells by id, and those that they wait for, which come first."""
        return {cell.id: cell for planned in self.cells for cell in planned.cell.ancestry}

    @cached_property
    def digest(self) -> str:
        """Identity of what is made from the cells: tables and figures, drawn by today's code."""
        return digest(
            {
                "cells": [[planned.cell.id, planned.setting] for planned in self.cells],
                "seeds": self.seeds,
                "caption": self.caption,
                "settings": self.settings,
                "analysis": analysis_hash(),
            }
        )


def _require_truth_for(split: SplitPlan, spec: RunSpec) -> None:
    told = METHODS[spec.method].told
    if told in TRUTH and not split.corruption.knows_truth(split.data):
        raise UserError(
            f"Row {spec.method} needs the {told} of the training set, which is unknown for "
            f"{split.dataset}.",
            "remove it from rows.",
        )


def _require_network_for(data: Facts, spec: RunSpec) -> None:
    if data.has_images:
        side = max(data.image_shape[1:])
        if spec.crop_padding > side:
            raise UserError(
                f"Crops with a padding of {spec.crop_padding} show nothing of most images of "
                f"{data.name}, {side} pixels wide.",
                f"lower training.crop_padding to at most {side}.",
            )
        return
    if not MODELS[spec.model].takes_tables:
        able = [name for name, record in MODELS.items() if record.takes_tables]
        raise UserError(
            f"The network {spec.model} needs images, but {data.name} is a table of "
            f"{data.image_shape[0]} features.",
            f"set training.model to {' or '.join(able)}.",
        )
    if spec.augments:
        raise UserError(
            f"Rows of {data.name}, a table, cannot be cropped or mirrored.",
            "set training.crop_padding to 0 and training.mirror to false.",
        )


def analysis_hash() -> str:
    """Digest the code that makes tables, figures and verdicts; Lemma 1's computes, too."""
    return source_hash(PACKAGES_OF_OUTPUTS)
