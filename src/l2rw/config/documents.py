"""Documents generated from the configuration's models; a test checks that they are current."""

import inspect
import json
import types
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from l2rw.config.kinds import KINDS
from l2rw.config.load import Config, keys
from l2rw.config.names import names
from l2rw.config.schema import Section
from l2rw.config.sections import Compared, Corrupted
from l2rw.data.kinds import DATASET_KINDS
from l2rw.data.kinds.base import DatasetKind
from l2rw.store.records import load

REPOSITORY = Path(__file__).parents[3]

INTRODUCTION = """\
# Configuration

`config.yaml` describes the paper at full scale and contains every default. The other files are
overlays: they contain only what differs. For example, `l2rw run config/demo.yaml` runs the demo.

| File | Runs |
|---|---|
| `config.yaml` | the paper |
| `mnist.yaml` | Figure 2 on MNIST, and the checks of the theory |
| `demo.yaml` | all experiments in miniature, on small images of digits |
| `cifar10.yaml` | the paper's experiments on CIFAR-10 |
| `cifar10n.yaml` | rows of Table 2 on CIFAR-10N, with labels that people assigned |
| `long_tail.yaml` | long-tailed class sizes on CIFAR-10 |
| `cifar10_preview.yaml` | noisy labels on CIFAR-10 with a small network, on CPUs |
| `random_labels.yaml` | networks that memorise random labels on CIFAR-10 |
| `methods.yaml` | all methods side by side, with class imbalance and noisy labels, on CPUs |
| `authors_code.yaml` | Tables 1 and 2 with data drawn as in the authors' code |

`l2rw plan config/demo.yaml` shows cells (methods with their settings), runs, steps and hours before
anything runs. `snakemake --cores all --config 'experiments={figure2: {seeds: 3}}'` changes a single
value. Unknown keys and impossible values are refused before any job starts. Everything except
`name`, `targets`, `data` and `compute` is part of a result's identity: a changed value trains
exactly the runs that depend on it, and a value changed back trains nothing.

## Experiments

`experiments` contains experiments by name, each of a certain *kind*. `config.yaml` contains those
of the paper. Give your own experiments names of their own; each produces a table, a figure and a
section of the results page:

```yaml
# mine.yaml
name: mine
targets: [noisy_digits]
noisy_labels: {validation_size: 200}
experiments:
  noisy_digits:
    kind: sweep
    title: L2RW against GCE on digits
    dataset: digits
    corruption: {name: uniform_flip, clean_size: 50}
    sweep: {noise: [0.0, 0.2, 0.4]}
    rows: [baseline, gce, l2rw]
    seeds: 3
    training: {model: lenet_8x8, steps: 200, learning_rate: 0.02, decay_at: [], evaluations: 4,
               crop_padding: 0, mirror: false}  # digits must not be mirrored
```

A *row* is a method, such as `gce`, or a method with settings, such as `{method: gce, q: 0.5}`.
[Names](#names) lists them. A method may have variants, in this order: `+es` uses the early-stopped
schedule (under `background_flip` only), `+ema` evaluates an average of the network's parameters
over the steps, and `+ft` adds fine-tuning on the clean set, as in `gce+es+ft`.

A *corruption* says how labels or class sizes of the training part are changed. It is a name, or a
name with parameters, such as `{name: uniform_flip, noise: 0.2}`. Under `uniform_flip` and
`background_flip`, parameters and keys of `training` that you leave out are as in `noisy_labels`.
Under all other corruptions, keys of `training` that you leave out are as in Figure 2 of
`config.yaml`: a constant learning rate of 0.001, no weight decay, no augmentation. A sweep varies a
parameter of the corruption or a key of `training`.

{kinds}{names}
## Keys

*`l2rw config` generates this page from `src/l2rw/config`; edit it there.*

{head}"""
HEAD = """\
| Key | Type | Default | Meaning |
|---|---|---|---|
"""


def reference() -> str:
    """Return ``config/README.md``."""
    kinds = "\n".join([_keys_of(Compared), *map(_kind, KINDS.built_in)])
    lines = (_line(*key) for key in keys() if not key[0].startswith("experiments."))
    return (
        INTRODUCTION.replace("{kinds}", kinds).replace("{names}", names()).replace("{head}", HEAD)
        + "".join(lines)
        + _data_sets()
    )


def _kind(name: str) -> str:
    """Return the table of a kind's keys."""
    section: type[Section] = load(KINDS[name].section)
    return f"### `kind: {name}`\n\n{_keys_of(section, but=Compared)}"


def _keys_of(section: type[Section], *, but: type[Section] | None = None) -> str:
    """Return what a section is and the table of its keys, but for those of another."""
    lines = [
        f"| `{key}` | {_type(field)} | {_default(field)} | {field.description} |\n"
        for key, field in section.model_fields.items()
        if but is None or key not in but.model_fields
    ]
    return f"{inspect.getdoc(section)}\n\n{HEAD}{''.join(lines)}"


def _default(field: Any) -> str:
    if field.is_required() or field.default is None:
        return ""
    return f"`{TypeAdapter(Any).dump_json(field.default).decode()}`"


DATA_SETS = """
## Data sets of your own

`data_sets` contains data sets by name, each of a certain *kind* and with its options:

```yaml
data_sets:
  birds:
    kind: image_folder
    path: ~/birds
    size: 64
    clean: birds_clean.csv
```

Then `birds` is a data set like any other. [docs/own_data.md](../docs/own_data.md) explains
everything. The content of the files is part of a result's identity, and so are all options except
those that say where files are.
"""


def _data_sets() -> str:
    """Return the tables of the options of each kind of data sets; those of all kinds first."""
    shared = {one.name for one in fields(DatasetKind)}
    tables = [_options("Options of every kind", DatasetKind, set())]
    for name, record in DATASET_KINDS.built_in.items():
        tables.append(_options(f"`{name}`: {record.label}", DATASET_KINDS.load(name), shared))
    return DATA_SETS + "".join(tables)


def _options(title: str, kind: type[Any], known: set[str]) -> str:
    types_ = get_type_hints(kind)
    lines = [
        f"| `{one.name}` | {_type_name(types_[one.name])} | "
        f"{'' if one.default is MISSING else f'`{json.dumps(one.default)}`'} | "
        f"{one.metadata['description']} |\n"
        for one in fields(kind)
        if one.name not in known
    ]
    head = HEAD.replace("Key", "Option")
    return f"\n### {title}\n\n{head}{''.join(lines)}"


def schema() -> str:
    """Return the JSON schema that Snakemake validates the configuration with."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    whole = Config.model_json_schema()
    sections = [load(KINDS[name].section) for name in KINDS.built_in]
    any_of: Any = Union[tuple(sections)]  # noqa: UP007
    one_of = TypeAdapter(any_of).json_schema(ref_template="#/$defs/{model}")
    whole["$defs"] |= one_of.pop("$defs")
    whole["properties"]["experiments"]["additionalProperties"] = one_of
    return json.dumps(dialect | whole, indent=2, ensure_ascii=False) + "\n"


PLAIN_TYPES: dict[Any, str] = {
    type(None): "null",
    str: "text",
    float: "number",
    int: "integer",
    bool: "true or false",
    Corrupted: "corruption",
    Any: "section",
}


DOCUMENTS: dict[Path, Callable[[], str]] = {
    REPOSITORY / "config" / "README.md": reference,
    REPOSITORY / "workflow" / "schemas" / "config.schema.json": schema,
}


def _line(name: str, field: Any, default: Any) -> str:
    if isinstance(default, Section) or name == "experiments":
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
    return PLAIN_TYPES.get(annotation, "section")
