"""The names that a configuration may use, as tables for its reference."""

import inspect
import json
from collections.abc import Iterable
from dataclasses import fields

from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.datasets.catalog import CATALOG
from l2rw.methods import METHODS
from l2rw.methods.record import NOTHING, MethodRecord
from l2rw.models import MODELS

NAMES = """
## Names

Other packages can add methods, corruptions, networks and data sets:
[docs/extending.md](../docs/extending.md).

### Methods

Sources without a year are in the paper. *Told* is the extra information that a method receives, as
in the column *told* of tables; settings are shown with their defaults.
[docs/deviations.md](../docs/deviations.md) says how methods differ from their sources.

| Name | Method | Source | Told | Settings |
|---|---|---|---|---|
{methods}
### Corruptions

| Name | Effect | Parameters |
|---|---|---|
{corruptions}
### Networks and data sets

Networks: {networks}.

Data sets: {data_sets}, and [those of your own](#data-sets-of-your-own).
"""
SHARED = ("classes", "validation_size", "authors_code")
"""Parameters of corruptions that the data set or ``noisy_labels`` sets."""


def names() -> str:
    """Return the names of methods, corruptions, networks and data sets."""
    return NAMES.format(
        methods="".join(map(_method, METHODS.built_in.values())),
        corruptions="".join(map(_corruption, CORRUPTIONS.built_in)),
        networks=_listed(MODELS.built_in),
        data_sets=_listed(CATALOG.built_in),
    )


def _method(record: MethodRecord) -> str:
    told = ", ".join(thing for thing in record.all_told if thing != NOTHING)
    settings = (f"`{one.name}: {_plain(one.default)}`" for one in fields(record.settings))
    cells = (f"`{record.name}`", record.label, record.source, told, ", ".join(settings))
    return f"| {' | '.join(cells)} |\n"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _corruption(name: str) -> str:
    kind = CORRUPTIONS.load(name)
    effect = (inspect.getdoc(kind) or "").partition("\n")[0]
    parameters = (f"`{one.name}`" for one in fields(kind) if one.name not in SHARED)
    return f"| `{name}` | {effect} | {', '.join(parameters)} |\n"


def _listed(known: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in known)
