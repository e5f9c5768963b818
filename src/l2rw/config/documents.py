"""The documents that follow from the configuration's models; a test sees that they do."""

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from l2rw.config.load import Config, keys
from l2rw.config.schema import Section

REPOSITORY = Path(__file__).parents[3]

INTRODUCTION = """\
# Configuration

`config.yaml` is the paper at full scale and spells out every default. The other files are overlays
that say only what differs, as in `snakemake --cores all --configfile config/demo.yaml`:

| File | Runs |
|---|---|
| `config.yaml` | the paper |
| `mnist.yaml` | Figure 2 on MNIST, and the theory |
| `demo.yaml` | everything in miniature, on digits |
| `cifar10_preview.yaml` | noisy labels on CIFAR-10 with a small network, on CPUs |
| `authors_code.yaml` | Tables 1 and 2 on data drawn as the authors' code does |

`l2rw plan config/demo.yaml` shows cells, runs, steps and hours before anything runs. A single
value: `--config 'experiments={figure2: {seeds: 3}}'`. Unknown keys and impossible values are
refused before any job starts. Everything but `name`, `targets`, `data` and `compute` is part of a
result's identity: a changed value trains exactly the runs that depend on it, and a value changed
back trains nothing.

## Keys

*Written by `l2rw config` from `src/l2rw/config`; edit there.*

| Key | Type | Default | Meaning |
|---|---|---|---|
"""


def reference() -> str:
    """Return ``config/README.md``."""
    return INTRODUCTION + "".join(_line(*key) for key in keys())


def schema() -> str:
    """Return the JSON schema that Snakemake validates the configuration with."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


PLAIN_TYPES: dict[Any, str] = {
    type(None): "null",
    str: "text",
    float: "number",
    int: "integer",
    bool: "true or false",
}


DOCUMENTS: dict[Path, Callable[[], str]] = {
    REPOSITORY / "config" / "README.md": reference,
    REPOSITORY / "workflow" / "schemas" / "config.schema.json": schema,
}


def _line(name: str, field: Any, default: Any) -> str:
    if isinstance(default, Section):
        return f"| **`{name}`** | section | | {field.description} |\n"
    return f"| `{name}` | {_type(field)} | `{json.dumps(default)}` | {field.description} |\n"


def _type(field: Any) -> str:
    names = [_type_name(field.annotation)]
    for constraint in field.metadata:
        for sign, attribute in (("> ", "gt"), ("≥ ", "ge"), ("< ", "lt"), ("≤ ", "le")):
            if hasattr(constraint, attribute):
                names.append(f"{sign}{getattr(constraint, attribute)}")
    return ", ".join(names)


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(a) for a in arguments)
    if origin is dict:
        return f"{_type_name(arguments[1])} by name"
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    if origin is not None and arguments and isinstance(arguments[0], str):
        return " or ".join(f"`{a}`" for a in arguments)
    if arguments:
        return _type_name(arguments[0])
    return PLAIN_TYPES[annotation]
