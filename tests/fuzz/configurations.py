"""Configurations as hypothesis draws them: from the schema, with something wrong here and there."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from l2rw.config.documents import schema

SMALL = {"model": "lenet_8x8", "steps": 6, "batch_size": 10, "decay_at": [], "evaluations": 2}
NOISY = {"datasets": ["digits"], "rows": ["baseline", "l2rw"], "training": SMALL}
BASE: dict[str, Any] = {
    "name": "fuzzed",
    "targets": ["figure2", "table2", "theorem2", "mine"],
    "noisy_labels": {
        "seeds": 2,
        "validation_size": 60,
        "background_flip": {"clean_per_class": 1, "background_classes": {"digits": [0, 1]}},
        "uniform_flip": {"clean_size": 10},
    },
    "theory": {"dataset": "digits", "train_size": 40, "clean_size": 4},
    "experiments": {
        "figure2": {
            "dataset": "digits",
            "seeds": 2,
            "corruption": {"name": "imbalance", "train_size": 60, "clean_size": 4},
            "sweep": {"majority_share": [0.8]},
            "rows": ["baseline", "l2rw"],
            "training": SMALL,
        },
        "table2": NOISY,
        "mine": {
            "kind": "sweep",
            "dataset": "digits",
            "corruption": "uniform_flip",
            "sweep": {"noise": [0.2]},
            "rows": [{"method": "gce", "q": 0.5}],
            "training": SMALL,
        },
    },
}
"""What can be planned in a moment."""

NUMBERS = st.sampled_from(
    [
        *(-1, 0, 1, 2, 10, 1000, 1001, 10**6, 10**9, 10**30, 10**400),
        *(0.0, -0.0, 0.1, 0.5, 1.0, 1.5),
        1e-300,
        1e30,
        1e300,
        float("nan"),
        float("inf"),
        float("-inf"),
    ]
)
WORDS = st.sampled_from(
    [
        "",
        "l2rw",
        "baseline+es+ft",
        "gce, q=0.5",
        "digits",
        "cifar10",
        "uniform_flip",
        "lenet_8x8",
        "seed",
        "../x",
        "~",
        "a b",
        "‖∇G‖²",
        "\ud800",
        "\0",
        "yes",
        "1e3",
        "null",
        "x" * 300,
    ]
)
SCALARS = NUMBERS | WORDS | st.booleans() | st.none()
JUNK = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS | NUMBERS, below, max_size=2),
    max_leaves=4,
)


def fitting(part: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:  # noqa: PLR0911
    """Draw what a part of the schema allows, its bounds in particular."""
    if "$ref" in part:
        return fitting(definitions[part["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in part:
        return st.one_of([fitting(one, definitions) for one in part["anyOf"]])
    if "enum" in part or "const" in part:
        return st.sampled_from(part.get("enum", [part.get("const")]))
    if "examples" in part:
        return st.sampled_from(part["examples"])
    kind = part.get("type")
    if kind in ("integer", "number"):
        bounds = {part.get(key) for key in part if "inimum" in key or "aximum" in key} - {None}
        near = [bound + step for bound in bounds for step in (-1, 0, 1)]
        return st.sampled_from([*near, 1, 2, 5] if kind == "integer" else [*near, 0.3, 0.7])
    if kind == "array":
        return st.lists(fitting(part.get("items", {}), definitions), max_size=3)
    if kind == "object" and "properties" in part:
        some = {k: fitting(v, definitions) for k, v in part["properties"].items()}
        return st.fixed_dictionaries({}, optional=dict(list(some.items())[:4]))
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, JUNK)


def _places(
    part: dict[str, Any], definitions: dict[str, Any]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, below in part.get("properties", {}).items():
        yield (key,), below
        target = below.get("$ref") or next(
            (o["$ref"] for o in below.get("anyOf", ()) if "$ref" in o), None
        )
        if target:
            section = definitions[target.rpartition("/")[2]]
            yield from (((key, *rest), one) for rest, one in _places(section, definitions))


SCHEMA = json.loads(schema())
DEFINITIONS = SCHEMA["$defs"]
PLACES = [place for place in _places(SCHEMA, DEFINITIONS) if place[0] != ("experiments",)]
for name, kind in (
    ("figure2", "Sweep"),
    ("table2", "Table"),
    ("theorem2", "Theorem2"),
    ("mine", "Sweep"),
):
    PLACES += [
        (("experiments", name, *place), one)
        for place, one in _places(DEFINITIONS[kind], DEFINITIONS)
    ]
PLACES += [
    (("experiments", "figure2", "corruption", key), {"type": "number"})
    for key in ("train_size", "clean_size", "minority", "majority", "noise", "validation_size")
]
PLACES += [(("experiments", "mine", "sweep"), {})]


@st.composite
def changes(draw: st.DrawFn) -> tuple[tuple[str, ...], Any]:
    """Draw a place in the configuration and a value for it."""
    place, part = draw(st.sampled_from(PLACES))
    if draw(st.integers(0, 9)) == 0:
        place = (*place[:-1], draw(WORDS))
    return place, draw(fitting(part, DEFINITIONS) if draw(st.booleans()) else JUNK)


def changed(all_changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Return the small configuration with some values changed."""
    raw = deepcopy(BASE)
    for place, value in all_changes:
        section: Any = raw
        for key in place[:-1]:
            if not isinstance(section.get(key), dict):
                section[key] = {}
            section = section[key]
        section[place[-1]] = value
    return raw
