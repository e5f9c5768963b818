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
    description="Rows: methods to compare, with variants and settings.",
)


class Corrupted(Section):
    """A corruption by name, with the parameters that differ from `noisy_labels`."""

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
    description="How the training part is corrupted: a name, or a name with parameters.",
)
CORRUPTIONS = Field(
    (Corrupted(name="background_flip"),),
    min_length=1,
    description="Corruptions, each a name, or a name with parameters.",
)
DATASET = Field("cifar10", description="Data set.")


class ExperimentSection(Section):
    """The keys of every experiment. Keys without a value are left out when it is written."""

    kind: str = Field(description="Kind of experiment.")
    title: str | None = Field(None, description="Title of table and figure; the name by default.")

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        last = [key for key in Compared.model_fields if key not in ("kind", "title")]
        order = sorted(written, key=lambda key: key in last)
        return {key: written[key] for key in order if written[key] is not None}


class Compared(ExperimentSection):
    """Every kind of experiment that trains networks has these keys."""

    seeds: Seeds | None = Field(
        None, description="Number of random splits; `noisy_labels.seeds` by default."
    )
    baselines_see_clean: bool | None = Field(
        None,
        description="Whether methods that do not use the clean set train on its images as on any "
        "others; `noisy_labels.baselines_see_clean` by default.",
    )
    training: Training | None = Field(
        None,
        description="How networks are trained, with the keys of `noisy_labels.*.training`.",
    )


class Table(Compared):
    """Test accuracies: a row for each method, a column for each data set, grouped by corruption."""

    kind: Literal["table"] = Field("table", description="Kind of experiment.")
    datasets: DatasetNames = Field(
        ("cifar10", "cifar100"), min_length=1, description="Data sets, one for each column."
    )
    corruptions: tuple[OneCorruption, ...] = CORRUPTIONS
    told_apart_by: Literal["corruption", "model"] = Field(
        "corruption", description="What names a group of rows: its corruption or its network."
    )
    rows: RowNames = ROWS


Swept = Annotated[tuple[int | float | str, ...], AllDifferent, Field(min_length=1)]


class Sweep(Compared):
    """Test accuracy or error as a function of one setting, with a line for each row."""

    kind: Literal["sweep"] = Field("sweep", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    sweep: dict[str, Swept] = Field(
        description="The setting to vary (a parameter of the corruption or a key of `training`) "
        "and its values, as in `{noise: [0.0, 0.2, 0.4]}`."
    )
    rows: RowNames = ROWS
    quantity: Literal["accuracy", "error"] = Field(
        "accuracy", description="Which quantity is shown, in percent."
    )
    spacing: Literal["equal", "linear", "log"] = Field(
        "linear",
        description="How values are placed on the axis: at equal distances, or on a linear or "
        "logarithmic scale.",
    )

    @model_validator(mode="after")
    def _sweeps_one_thing(self) -> "Sweep":
        if len(self.sweep) != 1:
            given = ", ".join(map(repr, self.sweep)) or "none"
            raise ValueError(
                f"one setting is swept at a time, not {given}. "
                "Hint: make one experiment for each setting, with its own name."
            )
        return self

    @property
    def swept(self) -> str:
        """What is swept."""
        return next(iter(self.sweep))


class Curves(Compared):
    """Accuracy in the course of training, under the given labels."""

    kind: Literal["curves"] = Field("curves", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    rows: RowNames = ROWS


class Confusion(Compared):
    """Confusion matrices on the test part for the first random split."""

    kind: Literal["confusion"] = Field("confusion", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruptions: tuple[OneCorruption, ...] = CORRUPTIONS
    rows: RowNames = ROWS


class Weights(Compared):
    """Weights by half-trained L2RW of unseen images with right and with flipped labels."""

    kind: Literal["weights"] = Field("weights", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION


class Suspects(Compared):
    """Which labels are probably wrong: the share of wrong labels among the lowest weights."""

    kind: Literal["suspects"] = Field("suspects", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    rows: RowNames = ROWS


class Detectors(Compared):
    """Detectors of wrong labels side by side: loss, margin, influence, confident learning, weight.

    They use the trained networks of the rows to examine the labels of the hyper-validation set and
    of the training set. Confident learning is among them if the library cleanlab is installed.
    """

    kind: Literal["detectors"] = Field("detectors", description="Kind of experiment.")
    dataset: DatasetName = DATASET
    corruption: OneCorruption = CORRUPTION
    rows: RowNames = ROWS


class Theorem2(ExperimentSection):
    """Theorem 2: the smallest E‖∇G‖² so far compared with C/√T, and controls that must fail."""

    kind: Literal["theorem2"] = Field("theorem2", description="Kind of experiment.")
    steps: Positive = Field(1_000_000, description="Number of steps, T.")
    limit_fractions: Annotated[tuple[Share, ...], AllDifferent] = Field(
        (0.25, 0.5, 0.75),
        min_length=1,
        description="Step sizes as shares of the corrected limit 2/(Lσ²); the best is 0.5.",
    )


class Lemma1(ExperimentSection):
    """Lemma 1: the clean loss never grows at the corrected limit of the step size."""

    kind: Literal["lemma1"] = Field("lemma1", description="Kind of experiment.")
    steps: Positive = Field(20_000, description="Number of steps.")


class GradientNorm(ExperimentSection):
    """How the clean gradient shrinks while the paper's networks train (an observation)."""

    kind: Literal["gradient_norm"] = Field("gradient_norm", description="Kind of experiment.")
    dataset: DatasetName = Field(
        "cifar10",
        description="Data set of the network of Table 2; Figure 2's network is shown, too.",
    )
    rows: Annotated[tuple[MethodRow, ...], AllDifferent] = Field(
        as_rows("baseline", "l2rw"),
        min_length=1,
        description="Methods to compare, without variants.",
    )
