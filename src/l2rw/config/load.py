"""The configuration: the one source of defaults, JSON schema and key reference.

The defaults are the paper. ``config/config.yaml`` spells them out; other files are overlays.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, create_model, field_validator

from l2rw.config.experiments import EXPERIMENTS
from l2rw.config.schema import Compute, Data, Name, Section
from l2rw.config.sections import (
    Figure2,
    Figure3,
    Figure4,
    Figure5,
    Figure6,
    Figure7,
    GradientNorm,
    Lemma1,
    NoisyLabels,
    Sanity,
    Table1,
    Table2,
    Theorem2,
    Theory,
)
from l2rw.store.errors import UserError, closest
from l2rw.store.paths import Results
from l2rw.store.records import load


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip()


class Experiments(Section):
    """The figures and tables of the paper."""

    figure2: Figure2 = Field(default_factory=Figure2, description=_first_line(Figure2))
    table1: Table1 = Field(default_factory=Table1, description=_first_line(Table1))
    table2: Table2 = Field(default_factory=Table2, description=_first_line(Table2))
    sanity: Sanity = Field(default_factory=Sanity, description=_first_line(Sanity))
    figure3: Figure3 = Field(default_factory=Figure3, description=_first_line(Figure3))
    figure4: Figure4 = Field(default_factory=Figure4, description=_first_line(Figure4))
    figure5: Figure5 = Field(default_factory=Figure5, description=_first_line(Figure5))
    figure6: Figure6 = Field(default_factory=Figure6, description=_first_line(Figure6))
    figure7: Figure7 = Field(default_factory=Figure7, description=_first_line(Figure7))
    theorem2: Theorem2 = Field(default_factory=Theorem2, description=_first_line(Theorem2))
    lemma1: Lemma1 = Field(default_factory=Lemma1, description=_first_line(Lemma1))
    gradient_norm: GradientNorm = Field(
        default_factory=GradientNorm, description=_first_line(GradientNorm)
    )


class Config(Section):
    """The whole configuration."""

    name: Name = Field("paper", description="Results go to `results/<name>`.")
    targets: tuple[str, ...] = Field(
        tuple(Experiments.model_fields), min_length=1, description="Experiments to run."
    )
    data: Data = Field(default_factory=Data, description="Where images come from.")
    compute: Compute = Field(
        default_factory=Compute,
        description="How jobs run; changes no result but for floating-point rounding.",
    )
    noisy_labels: NoisyLabels = Field(
        default_factory=NoisyLabels, description=_first_line(NoisyLabels)
    )
    theory: Theory = Field(default_factory=Theory, description=_first_line(Theory))
    experiments: Experiments = Field(
        default_factory=Experiments, description="The figures and tables of the paper."
    )

    @property
    def results(self) -> Path:
        """The folder of the results, below that in which the workflow runs."""
        return Results.of(self.name).folder

    @field_validator("targets")
    @classmethod
    def _known(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        for target in targets:
            if targets.count(target) > 1:
                raise ValueError(f"{target} is listed twice. Hint: list it once.")
            if target not in EXPERIMENTS:
                raise ValueError(
                    f"there is no experiment {target!r}. Hint: {closest(target, EXPERIMENTS)}"
                )
        return targets


@cache
def _kind() -> type[Config]:
    """Return the class of configurations: with the sections of experiments that packages add."""
    added = {name: load(record.section) for name, record in EXPERIMENTS.added.items()}
    if not added:
        return Config
    sections: dict[str, Any] = {
        name: (section, Field(default_factory=section, description=_first_line(section)))
        for name, section in added.items()
    }
    experiments = create_model("Experiments", __base__=Experiments, **sections)
    field = Field(default_factory=experiments, description=_first_line(Experiments))
    return create_model("Config", __base__=Config, experiments=(experiments, field))


def parse_config(raw: dict[str, Any]) -> Config:
    """Validate a configuration; what it does not say is as in the paper.

    Raises:
        UserError: Names the first key that is wrong, what is wrong with it, and what would do.
    """
    try:
        # Sections of one kind differ in their defaults: an incomplete one is completed by its own.
        return _kind().model_validate(overlaid(_kind()().model_dump(), raw))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise _explain(key, first) from None


RENAMED = {"flip": "mirror", "decay": "gradient_norm"}
"""Keys by the names that they once had."""


def _explain(key: str, error: Any) -> UserError:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        parent, _, unknown = key.rpartition(".")
        places = (k.rpartition(".") for k, *_ in keys(_kind()()))
        known = [name for place, _, name in places if place == parent]
        hint = closest(unknown, known)
        if RENAMED.get(unknown) in known:
            hint = f"it is called {RENAMED[unknown]!r} now."
        return UserError(f"Configuration: unknown key {key!r}.", hint)
    if kind == "value_error":
        message, _, hint = str(context["error"]).partition(" Hint: ")
        return UserError(f"Configuration: {key}: {message}", hint)
    return UserError(
        f"Configuration: {key} is {given!r}, but {error['msg'].replace('Input', 'it', 1)}.",
        "config/README.md lists every key with its type and default.",
    )


def overlaid(below: Mapping[str, Any], above: Any) -> Any:
    """Lay a configuration over another, key by key, as Snakemake does."""
    if not isinstance(above, Mapping):
        return above
    nested = {
        key: overlaid(below[key], value)
        for key, value in above.items()
        if isinstance(below.get(key), Mapping)
    }
    return {**below, **above, **nested}


def keys(section: Section | None = None, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every key as (dotted name, pydantic field, default), sections before what they hold.

    Defaults are as they are written, but for sections.
    """
    section = section or Config()
    written = section.model_dump()
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield f"{prefix}{name}", field, value
            yield from keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field, written[name]
