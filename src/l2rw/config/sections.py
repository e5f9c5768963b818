"""The sections of the configuration: what experiments share, and the kinds of experiments."""

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
    Noise,
    NotNegative,
    Positive,
    RowName,
    Section,
    Seeds,
    Share,
    Training,
    as_rows,
    check_decay,
)

WRN = Training(
    model="wrn28_10",
    steps=60_000,
    clean_batch_size=100,
    learning_rate=0.1,
    decay_at=(40_000, 50_000),
    weight_decay=2e-4,
    crop_padding=4,
    mirror=True,
    evaluations=60,
)
RESNET = WRN.model_copy(
    update={"model": "resnet32", "steps": 80_000, "decay_at": (40_000, 60_000), "evaluations": 80}
)


class EarlyStopping(Section):
    """The schedule of rows ``+es``; all else is as without."""

    steps: Positive = Field(60_000, description="Training steps.")
    decay_at: tuple[Positive, ...] = Field(
        (40_000, 50_000), description="Steps at which the learning rate is divided by ten."
    )

    @model_validator(mode="after")
    def _fit_into_the_steps(self) -> "EarlyStopping":
        check_decay(self.steps, self.decay_at)
        return self


class UniformFlips(Section):
    """UniformFlip: labels flip to any other class (Table 1, top of Figure 6)."""

    noise: Noise = Field(0.4, description="Share of training images with a wrong label.")
    clean_size: Positive = Field(1000, description="Images of the clean set.")
    training: Training = Field(default=WRN, description="How networks are trained.")


class BackgroundFlips(Section):
    """BackgroundFlip: labels flip to one background class (Table 2, Figures 3 to 7)."""

    noise: Noise = Field(0.4, description="Share of the other classes' images that flip to it.")
    clean_per_class: Positive = Field(10, description="Images of the clean set by class.")
    background_classes: dict[DatasetName, tuple[NotNegative, ...]] = Field(
        {"cifar10": (0, 1, 3, 5, 7), "cifar100": (7, 12, 41, 62, 85)},
        description="By data set, the background class of seed 0, 1, …, in turn.",
    )
    training: Training = Field(default=RESNET, description="How networks are trained.")
    early_stopping: EarlyStopping = Field(
        default_factory=EarlyStopping,
        description="The schedule of rows `+es`; all else is as without.",
    )


class NoisyLabels(Section):
    """What the experiments with noisy labels share (section 4.2)."""

    seeds: Seeds = Field(5, description="Number of random splits; seeds are 0, 1, …")
    validation_size: NotNegative = Field(
        5000, description="Images of the hyper-validation set, corrupted like the training set."
    )
    baselines_see_clean: bool = Field(
        False,
        description="Whether methods that do not use the clean set train on its images, rightly "
        "labelled, beside the noisy ones.",
    )
    fine_tuning_steps: Positive = Field(
        5000,
        description="Steps of rows `+ft` on the clean set, at the last learning rate of the run "
        "that they go on from.",
    )
    clean_only_steps: Positive = Field(
        2000, description="Steps of `clean_only`, at the initial learning rate."
    )
    authors_code: bool = Field(
        False,
        description="Draw labels, background classes and clean set as the authors' published code "
        "does, not as the paper says; see `config/authors_code.yaml`.",
    )
    uniform_flip: UniformFlips = Field(
        default_factory=UniformFlips,
        description="UniformFlip: labels flip to any other class (Table 1, top of Figure 6).",
    )
    background_flip: BackgroundFlips = Field(
        default_factory=BackgroundFlips,
        description="BackgroundFlip: labels flip to one background class (Table 2, Figures 3 to "
        "7).",
    )

    def training(self, corruption: str) -> Training:
        """Return how networks are trained under a corruption if an experiment does not say it."""
        if corruption == "uniform_flip":
            return self.uniform_flip.training
        return self.background_flip.training if corruption == "background_flip" else Training()


class Theory(Section):
    """The problem on which the theory is checked (section 3.3): a linear model, two classes."""

    dataset: DatasetName = Field("mnist", description="Data set.")
    minority: NotNegative = Field(4, description="Class with few images.")
    majority: NotNegative = Field(9, description="Class with many images.")
    majority_share: Share = Field(0.9, description="Share of the majority class.")
    train_size: Positive = Field(
        200,
        description="Training images in all, those of the clean set included. C grows with its "
        "square root.",
    )
    clean_size: Positive = Field(20, description="Images of the clean set, half of each class.")
    model: Literal["logistic", "softmax"] = Field(
        "logistic", description="Logistic or softmax regression on images of unit norm."
    )
    batch_size: Positive = Field(10, description="Training examples in a step.")
    trajectories: Positive = Field(
        20, description="Independent sequences of batches, over which expectations are means."
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
