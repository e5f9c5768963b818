"""Data sets that a configuration describes: a kind, where the data are, options."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer
from pydantic import WithJsonSchema as JsonSchema

from l2rw.config.messages import made_of
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.kinds import DATASET_KINDS
from l2rw.data.kinds.base import DatasetKind
from l2rw.store.errors import closest, parts
from l2rw.store.records import NAME, NAMES


def read_data_set(raw: Any) -> DatasetKind:
    """Return a data set as it is described, a mapping with the key ``kind`` and options.

    Raises:
        ValueError: With a hint: there is no such kind, or an option is missing, unknown or wrong.
    """
    if isinstance(raw, DatasetKind):
        return raw
    if not isinstance(raw, Mapping) or "kind" not in raw:
        raise ValueError(f"it has no kind. Hint: one of {', '.join(DATASET_KINDS)}.")
    name = raw["kind"]
    if name not in DATASET_KINDS:
        hint = closest(str(name), DATASET_KINDS)
        raise ValueError(f"there is no kind of data set {name!r}. Hint: {hint}")
    kind = DATASET_KINDS.load(name)
    given = {key: value for key, value in raw.items() if key != "kind"}
    known = [one.name for one in fields(kind)]
    for key in given:
        if key not in known:
            raise ValueError(f"{name} has no option {key!r}. Hint: {closest(str(key), known)}")
    try:
        made: DatasetKind = made_of(kind, given)
    except ValueError as error:
        problem, hint = parts(error)
        hint = hint or "config/README.md lists every option with its type and default."
        raise ValueError(f"{name}: {problem} Hint: {hint}") from None
    return made


def write_data_set(kind: DatasetKind) -> dict[str, Any]:
    """Return the description of a data set, all options included."""
    return {"kind": kind.kind, **kind.options()}


def _of_its_own(data_sets: dict[str, DatasetKind]) -> dict[str, DatasetKind]:
    for name in data_sets:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a name. Hint: use {NAMES}.")
        if name in CATALOG:
            raise ValueError(f"the name {name!r} is taken. Hint: choose another.")
    return data_sets


if TYPE_CHECKING:
    DataSets: TypeAlias = dict[str, DatasetKind]
else:
    SCHEMA = {
        "type": "object",
        "properties": {"kind": {"type": "string", "examples": list(DATASET_KINDS.built_in)}},
        "required": ["kind"],
    }
    DataSet = Annotated[
        Any, BeforeValidator(read_data_set), PlainSerializer(write_data_set), JsonSchema(SCHEMA)
    ]
    DataSets = Annotated[dict[str, DataSet], AfterValidator(_of_its_own)]
