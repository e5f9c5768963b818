"""The configuration: the one source of defaults, JSON schema and key reference.

The defaults are the paper. ``config/config.yaml`` spells them out; other files are overlays.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, PrivateAttr, SerializeAsAny, ValidationError

from l2rw.config.data_sets import DataSets
from l2rw.config.former import with_todays_keys
from l2rw.config.kinds import KINDS
from l2rw.config.messages import in_words, shown
from l2rw.config.paper import EXPERIMENTS
from l2rw.config.schema import AllDifferent, Compute, Data, Name, Section
from l2rw.config.sections import ExperimentSection
from l2rw.config.shared import NoisyLabels, Theory
from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.facts import Facts
from l2rw.store.errors import UserError, closest, parts
from l2rw.store.paths import Results
from l2rw.store.records import NAME, NAMES, load


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip()


class Config(Section):
    """The whole configuration."""

    name: Name = Field("paper", description="Results go to `results/<name>`.")
    targets: Annotated[tuple[str, ...], AllDifferent] = Field(
        tuple(EXPERIMENTS), min_length=1, description="Experiments to run."
    )
    data: Data = Field(default_factory=Data, description="Where images come from.")
    data_sets: DataSets = Field(
        {}, description="Data sets of your own, by name; see the kinds and their options below."
    )
    compute: Compute = Field(
        default_factory=Compute,
        description="How jobs run; changes no result but for floating-point rounding.",
    )
    noisy_labels: NoisyLabels = Field(
        default_factory=NoisyLabels, description=_first_line(NoisyLabels)
    )
    theory: Theory = Field(default_factory=Theory, description=_first_line(Theory))
    experiments: dict[str, SerializeAsAny[ExperimentSection]] = Field(
        dict(EXPERIMENTS),
        description="Experiments by name: those of the paper, and others under names of their own.",
    )

    _facts: dict[str, Facts] = PrivateAttr(default_factory=dict)
    _rescan: bool = PrivateAttr(default=True)

    def facts(self, dataset: str) -> Facts:
        """Return the facts of a data set, given its name.

        Those of a configured one come from its files, as :func:`l2rw.data.kinds.survey.facts_of`
        finds them.
        """
        if dataset not in self.data_sets:
            return CATALOG[dataset]
        if dataset not in self._facts:
            from l2rw.data.kinds.survey import facts_of

            kind = self.data_sets[dataset]
            self._facts[dataset] = facts_of(dataset, kind, rescan=self._rescan)
        return self._facts[dataset]

    def with_facts(self, facts: Facts) -> "Config":
        """Return the configuration with facts of a configured data set, whatever its files say."""
        believing = self.model_copy()
        believing._facts = {**self._facts, facts.name: facts}
        return believing

    @property
    def results(self) -> Path:
        """The folder of the results, below that in which the workflow runs."""
        return Results.of(self.name).folder


def parse_config(raw: dict[str, Any], *, rescan: bool = True) -> Config:
    """Validate a configuration; what it does not say is as in the paper.

    Args:
        raw: As it is written.
        rescan: Whether to look for changes in the files of configured data sets, once their facts
            are asked for; if not, what was found when they were looked at before is believed.

    Raises:
        UserError: Names the first key that is wrong, what is wrong with it, and what would do.
    """
    # Sections of one type differ in their defaults: an incomplete one is completed by its own.
    whole = overlaid(Config().model_dump(), with_todays_keys(raw))
    experiments = whole.pop("experiments")
    if not isinstance(experiments, Mapping):
        raise UserError(
            f"Configuration: experiments is {shown(experiments)}, but it should be a section.",
            "write the name of each experiment, and its keys below.",
        )
    own = whole["data_sets"]
    known = list(own) if isinstance(own, Mapping) else []
    config: Config = _checked(Config, whole, (), known)
    sections = {name: _experiment(name, given, config) for name, given in experiments.items()}
    for target in config.targets:
        if target not in sections:
            raise UserError(
                f"Configuration: targets: there is no experiment {target!r}.",
                closest(target, sections),
            )
    config = config.model_copy(update={"experiments": sections})
    config._rescan = rescan
    return config


def _experiment(name: Any, given: Any, config: Config) -> ExperimentSection:
    """Validate an experiment by its kind."""
    place = f"Configuration: experiments.{name}"
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise UserError(
            f"{place} cannot be the name of an experiment.",
            f"use {NAMES}.",
        )
    kind = str(given.get("kind", "")) if isinstance(given, Mapping) else ""
    if not kind:
        like = closest(name, EXPERIMENTS)
        hint = like if like.startswith("did you mean") else f"one of {', '.join(KINDS)}."
        raise UserError(f"{place} names no kind.", hint)
    if kind not in KINDS:
        raise UserError(f"{place} is of an unknown kind, {kind!r}.", closest(kind, KINDS))
    if name in EXPERIMENTS and kind != EXPERIMENTS[name].kind:
        raise UserError(
            f"{place} is the paper's, a {EXPERIMENTS[name].kind}, and cannot be a {kind}.",
            "choose another name for your own experiment.",
        )
    section: ExperimentSection = _checked(
        load(KINDS[kind].section),
        _with_whole_training(given, config.noisy_labels),
        ("experiments", name),
        list(config.data_sets),
    )
    return section


def _with_whole_training(given: Mapping[str, Any], shared: NoisyLabels) -> Mapping[str, Any]:
    """Complete how an experiment's networks are trained by what its corruption has in general."""
    if not isinstance(given.get("training"), Mapping):
        return given
    several = given.get("corruptions")
    first = given.get("corruption") or (
        several[0] if several and isinstance(several, list) else None
    )
    name = first.get("name") if isinstance(first, Mapping) else first
    below = shared.training(str(name or "background_flip")).model_dump()
    return {**given, "training": overlaid(below, given["training"])}


def _checked(section: type[Any], given: Any, place: tuple[str, ...], data_sets: list[str]) -> Any:
    """Validate a section, which may name data sets of the configuration."""
    try:
        return section.model_validate(given, context={"data_sets": data_sets})
    except ValidationError as error:
        first = error.errors()[0]
        raise _explain(section, place, first) from None


RENAMED = {"flip": "mirror", "decay": "gradient_norm"}
"""Keys by the names that they once had."""


def _explain(section: type[Section], place: tuple[str, ...], error: Any) -> UserError:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    path = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join([*place, *path])
    if kind == "extra_forbidden":
        known = list(_section_at(section, path[:-1]).model_fields)
        hint = closest(path[-1], known)
        if RENAMED.get(path[-1]) in known:
            hint = f"it is called {RENAMED[path[-1]]!r} now."
        return UserError(f"Configuration: unknown key {key!r}.", hint)
    if kind == "value_error":
        message, hint = parts(context["error"])
        return UserError(f"Configuration: {key}: {message}", hint)
    if kind == "missing":
        return UserError(f"Configuration: {key} is missing.", "add it, or leave out its section.")
    return UserError(
        f"Configuration: {key} is {shown(given)}, {in_words(error)}.",
        "config/README.md lists every key with its type and default.",
    )


def _section_at(section: type[Section], path: list[str]) -> type[Section]:
    """Return the class of the section at a path below another."""
    for part in path:
        if part not in section.model_fields:
            continue  # a place in a list or dictionary
        annotation = section.model_fields[part].annotation
        kinds = [annotation, *get_args(annotation)]
        section = next(
            (k for k in kinds if isinstance(k, type) and issubclass(k, Section)), section
        )
    return section


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
        elif isinstance(value, Mapping) and all(isinstance(v, Section) for v in value.values()):
            for key, one in value.items():
                yield f"{prefix}{name}.{key}", field, one
                yield from keys(one, f"{prefix}{name}.{key}.")
        elif name in written:  # what is not said of an experiment is not written
            yield f"{prefix}{name}", field, written[name]
