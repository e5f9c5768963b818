"""The sections of the configuration that say what an experiment is, by kind."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from l2rw.config.schema import (
    AllDifferent,
    CorruptionName,
    DatasetName,
    MethodRow,
    Positive,
    RowName,
    Section,
    Seeds,
    Share,
    Training,
    as_rows,
)

DatasetNames = Annotated[tuple[DatasetName, ...], AllDifferent]
RowNames = Annotated[tuple[RowName, ...], AllDifferent]
ROWS = Field(
    as_rows("baseline", "l2rw"),
    min_length=1,
    description="Methods compared, each with its variants: `+es` for the early-stopped schedule, "
    "`+ema` for an average of the weights evaluated in place of the network, `+ft` for fine-tuning "
    "on the clean set; several go together in this order, `+es+ft`. One with settings is written "
    "`{method: gce+es, q: 0.5}`.",
)


class Corrupted(Section):
    """A corruption by name, with those of its parameters that are not as in `noisy_labels`."""

    model_config = ConfigDict(extra="allow")

    name: CorruptionName = Field(description="Corruption.")

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters that are given here."""
        return dict(self.model_extra or {})

    @model_serializer(mode="wrap")
    def _by_name_alone(self, write: SerializerFunctionWrapHandler) -> Any:
        return write(self) if self.parameters else self.name


def _named(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


if TYPE_CHECKING:
    OneCorruption: TypeAlias = Corrupted
else:
    OneCorruption = Annotated[
        Corrupted,
        BeforeValidator(_named),
        WithJsonSchema({"anyOf": [{"type": "string"}, Corrupted.model_json_schema()]}),
    ]
CORRUPTION = Field(
    Corrupted(name="background_flip"),
    description="How the training part is corrupted: a name, or `{name: uniform_flip, noise: 0.2}` "
    "with parameters that are not as in `noisy_labels`.",
)
CORRUPTIONS = Field(
    (Corrupted(name="background_flip"),),
    min_length=1,
    description="List of corruptions, each a name, or `{name: uniform_flip, noise: 0.2}` with "
    "parameters that are not as in `noisy_labels`.",
)
DATASET = Field("cifar10", description="Data set.")


class ExperimentSection(Section):
    """What every experiment says. What is not said is left out when it is written."""

    kind: str = Field(description="Kind of experiment.")
    title: str | None = Field(None, description="For people; the name if not said.")

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        last = [key for key in Compared.model_fields if key not in ("kind", "title")]
        order = sorted(written, key=lambda key: key in last)
        return {key: written[key] for key in order if written[key] is not None}


class Compared(ExperimentSection):
    """Every kind that trains networks has these keys."""

    seeds: Seeds | None = Field(
        None, description="Number of random splits; `noisy_labels.seeds` if not said."
    )
    baselines_see_clean: bool | None = Field(
        None,
        description="Whether methods that do not use the clean set train on its images like on any "
        "other; `noisy_labels.baselines_see_clean` if not said.",
    )
    training: Training | None = Field(
        None,
        description="How networks are trained, with the keys of `noisy_labels.*.training`. What is "
        "not said is as there for the corruption.",
    )


class Table(Compared):
    """Test accuracy of rows of methods, the data sets and corruptions as columns and groups."""

    kind: Literal["table"] = Field("table", description="Kind of experiment.")
    datasets: DatasetNames = Field(
        ("cifar10", "cifar100"), min_length=1, description="Data sets, the columns."
    )
    corruptions: tuple[OneCorruption, ...] = CORRUPTIONS
    told_apart_by: Literal["corruption", "model"] = Field(
        "corruption", description="What names the groups of lines of several corruptions."
    )
    rows: RowNames = ROWS


Swept = Annotated[tuple[int | float | str, ...], AllDifferent, Field(min_length=1)]


class Sweep(Compared):
    """Test accuracy or error against one setting, one line for each row."""

    kind: Literal["sweep"] = Field("sweep", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    sweep: dict[str, Swept] = Field(
        description="What is swept: a parameter of the corruption or a key of `training`, and its "
        "values, as in `{noise: [0.0, 0.2, 0.4]}`."
    )
    rows: RowNames = ROWS
    quantity: Literal["accuracy", "error"] = Field("accuracy", description="What is shown.")
    spacing: Literal["equal", "linear", "log"] = Field(
        "linear",
        description="Where values stand: at equal distances, or on a linear or logarithmic axis.",
    )

    @model_validator(mode="after")
    def _sweeps_one_thing(self) -> "Sweep":
        if len(self.sweep) != 1:
            raise ValueError(
                f"one setting is swept at a time, not {', '.join(self.sweep) or 'none'}. "
                "Hint: make an experiment of each, under a name of its own."
            )
        return self

    @property
    def swept(self) -> str:
        """What is swept."""
        return next(iter(self.sweep))


class Curves(Compared):
    """Accuracy along training, under the given labels."""

    kind: Literal["curves"] = Field("curves", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    rows: RowNames = ROWS


class Confusion(Compared):
    """Confusion matrices on the test part, first random split."""

    kind: Literal["confusion"] = Field("confusion", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruptions: tuple[OneCorruption, ...] = CORRUPTIONS
    rows: RowNames = ROWS


class Weights(Compared):
    """Weights that half-trained L2RW gives right and flipped labels of images it did not see."""

    kind: Literal["weights"] = Field("weights", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION


class Suspects(Compared):
    """Which labels are probably wrong: how many of the least weighted ones are."""

    kind: Literal["suspects"] = Field("suspects", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    rows: RowNames = ROWS


class Detectors(Compared):
    """Detectors of wrong labels side by side: loss, margin, influence, confident learning, weight.

    They look by the trained networks of the rows at labels of the hyper-validation set and of the
    training set.
    """

    kind: Literal["detectors"] = Field("detectors", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    rows: RowNames = ROWS


class Theorem2(ExperimentSection):
    """Theorem 2: the smallest E‖∇G‖² so far against C/√T, and controls that must fail."""

    kind: Literal["theorem2"] = Field("theorem2", description="Kind of experiment.")
    steps: Positive = Field(1_000_000, description="Steps, T.")
    limit_fractions: Annotated[tuple[Share, ...], AllDifferent] = Field(
        (0.25, 0.5, 0.75),
        min_length=1,
        description="Step sizes as shares of the corrected limit 2/(Lσ²); the best is 0.5.",
    )


class Lemma1(ExperimentSection):
    """Lemma 1: the clean loss never grows at the corrected limit of the step size."""

    kind: Literal["lemma1"] = Field("lemma1", description="Kind of experiment.")
    steps: Positive = Field(20_000, description="Steps.")


class GradientNorm(ExperimentSection):
    """How the clean gradient falls along the training of the paper's networks (an observation)."""

    kind: Literal["gradient_norm"] = Field("gradient_norm", description="Kind of experiment.")
    dataset: DatasetName = Field(
        "cifar10", description="Data set of the network of Table 2, beside that of Figure 2."
    )
    rows: Annotated[tuple[MethodRow, ...], AllDifferent] = Field(
        as_rows("baseline", "l2rw"), min_length=1, description="Methods compared, without variants."
    )
