"""The sections of the configuration as typed models, with the paper's settings as defaults."""

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from l2rw.data.datasets.catalog import CATALOG
from l2rw.methods import METHODS
from l2rw.methods.rows import Row, parse_row
from l2rw.models import MODELS
from l2rw.store.errors import closest
from l2rw.store.records import Records


def _one_of(kind: str, known: Records[Any]) -> Any:
    """Return the type of a name that must be in a table."""

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"there is no {kind} {name!r}. Hint: {closest(name, known)}")
        return name

    names = {"type": "string", "examples": list(known.built_in)}
    return Annotated[str, AfterValidator(check), WithJsonSchema(names)]


def _all_different(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value} is listed twice. Hint: list it once.")
    return values


def _rows(*texts: str) -> Any:
    """Return default rows as they are written; pydantic reads them as it reads any others."""
    return texts


def _row_text(given: Any) -> str:
    return str(parse_row(given))


def _without_variants(row: Row) -> Row:
    if row.early_stopped or row.fine_tuned:
        raise ValueError(f"{row} is a method with variants. Hint: write {row.method!r}.")
    return row


def _with_settings(example: str) -> Any:
    """Return the JSON schema of a row: text, or a method and its settings by name."""
    setting = {"type": ["number", "boolean", "string"]}
    settings = {
        "type": "object",
        "properties": {"method": {"type": "string"}},
        "required": ["method"],
        "additionalProperties": setting,
    }
    text = {"type": "string", "examples": [*METHODS.built_in, example]}
    return WithJsonSchema({"anyOf": [text, settings]})


Share = Annotated[float, Field(gt=0, lt=1)]
Noise = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
AllDifferent = AfterValidator(_all_different)

if TYPE_CHECKING:
    DatasetName: TypeAlias = str
    ModelName: TypeAlias = str
    RowName: TypeAlias = Row
    MethodRow: TypeAlias = Row
else:
    DatasetName = _one_of("data set", CATALOG)
    ModelName = _one_of("model", MODELS)
    RowName = Annotated[
        str,
        BeforeValidator(_row_text),
        AfterValidator(parse_row),
        PlainSerializer(str),
        _with_settings("baseline+es+ft"),
    ]
    MethodRow = Annotated[RowName, AfterValidator(_without_variants), _with_settings("gce, q=0.5")]


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )


class Data(Section):
    """Where images come from."""

    root: str | None = Field(
        None,
        description="Folder with the data sets' files, `~` being the home folder. Searched before "
        "anything is downloaded; the environment variable `L2RW_DATA` does the same.",
    )
    download: bool = Field(True, description="Whether absent files may be downloaded.")


class Compute(Section):
    """How jobs run. Nothing here changes what a result is, but for floating-point rounding."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to train; `auto` takes a GPU if there is one."
    )
    threads: Positive = Field(1, description="CPU threads of a training job.")
    seeds_per_job: Positive = Field(
        1,
        description="Seeds of a cell trained by one job, from 1 to all of them. What is trained "
        "already stays as it is.",
    )
    stack: Positive = Field(
        1,
        description="Seeds of a job trained at the same time. Pays for small networks on a GPU; "
        "results agree up to floating-point rounding.",
    )
    jobs_per_gpu: Positive = Field(
        1,
        description="Jobs that share a GPU of this machine. Pays for small networks; a cluster's "
        "scheduler has ways of its own.",
    )
    compile: bool = Field(
        False,
        description="Compile the training step with `torch.compile`. Pays where launching kernels "
        "costs more than running them; results agree up to floating-point rounding.",
    )
    deterministic: bool = Field(
        False,
        description="Use only deterministic kernels on a GPU, at some cost in speed; on the CPU "
        "runs agree bit for bit anyway.",
    )
    checkpoint_seconds: float = Field(
        60.0, ge=0, description="Seconds between two checkpoints of a training job."
    )


def _check_decay(steps: int, decay_at: tuple[int, ...]) -> None:
    if any(later <= earlier for earlier, later in pairwise((0, *decay_at, steps))):
        raise ValueError(
            f"decay_at {list(decay_at)} does not ascend within {steps} steps. "
            "Hint: list steps in order, each once, all below steps."
        )


class Training(Section):
    """How networks are trained."""

    model: ModelName = Field("lenet", description="Network.")
    steps: Positive = Field(8000, description="Training steps.")
    batch_size: int = Field(100, ge=2, description="Training examples in a step.")
    clean_batch_size: Positive = Field(10, description="Clean examples in a step of L2RW.")
    optimizer: Literal["sgd", "adam", "adamw"] = Field(
        "sgd", description="Algorithm that follows the gradient, as `torch.optim` has it."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Initial learning rate.")
    schedule: Literal["step", "cosine"] = Field(
        "step",
        description="How the learning rate falls: at `decay_at`, or along half a cosine to zero.",
    )
    decay_at: tuple[Positive, ...] = Field(
        (),
        description="Steps at which the learning rate is divided by ten; none if it follows a "
        "cosine.",
    )
    momentum: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Momentum of SGD, or the first β of Adam; the paper names none, its authors' "
        "code has 0.9.",
    )
    nesterov: bool = Field(False, description="Whether the momentum of SGD is Nesterov's.")
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="Weight decay: added to the gradient; `adamw` shrinks the parameters instead.",
    )
    crop_padding: int = Field(
        0, ge=0, description="Pixels of black padding for random crops of training images."
    )
    mirror: bool = Field(False, description="Whether training images are mirrored at random.")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32",
        description="Arithmetic of matrix products and convolutions: `tf32` shortens their inputs "
        "on GPUs that can, `bf16` runs passes under autocast.",
    )
    evaluations: Positive = Field(
        20, description="Evenly spaced evaluations on the test part, the last one after all steps."
    )

    @model_validator(mode="after")
    def _fit_into_the_steps(self) -> "Training":
        if self.evaluations > self.steps:
            raise ValueError(
                f"{self.evaluations} evaluations do not fit into {self.steps} steps. "
                "Hint: lower evaluations."
            )
        _check_decay(self.steps, self.decay_at)
        return self

    @model_validator(mode="after")
    def _settings_that_go_together(self) -> "Training":
        if self.schedule == "cosine" and self.decay_at:
            raise ValueError(
                f"a cosine schedule has no decay_at, here {list(self.decay_at)}. "
                "Hint: set decay_at to [], or schedule to step."
            )
        if self.nesterov and (self.optimizer != "sgd" or not self.momentum):
            raise ValueError(
                f"Nesterov's momentum needs sgd and a momentum above 0, not {self.optimizer} and "
                f"{self.momentum}. Hint: set nesterov to false."
            )
        return self


class Figure2(Section):
    """MNIST 4 against 9 with class imbalance: error against the majority share (section 4.1)."""

    dataset: DatasetName = Field("mnist", description="Data set.")
    seeds: Positive = Field(10, description="Number of random splits; seeds are 0, 1, …")
    minority: int = Field(4, description="Class with few images.")
    majority: int = Field(9, description="Class with many images.")
    majority_shares: Annotated[tuple[Share, ...], AllDifferent] = Field(
        (0.9, 0.95, 0.98, 0.99, 0.995),
        min_length=1,
        description="Shares of the majority class, the sweep of the figure; 0.995 is 200:1.",
    )
    train_size: Positive = Field(
        5000, description="Training images in all, those of the clean set included."
    )
    clean_size: Positive = Field(10, description="Images of the clean set, half of each class.")
    baselines_see_clean: bool = Field(
        True,
        description="Whether methods that do not use the clean set train on its images like on "
        "any other, so that all methods see the same data.",
    )
    methods: Annotated[tuple[MethodRow, ...], AllDifferent] = Field(
        _rows("baseline", "proportion", "resample", "hard_mining", "random", "l2rw"),
        min_length=1,
        description="Methods compared; one with settings is written `{method: gce, q: 0.5}`.",
    )
    training: Training = Field(default_factory=Training, description="How networks are trained.")


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
        _check_decay(self.steps, self.decay_at)
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

    seeds: Positive = Field(5, description="Number of random splits; seeds are 0, 1, …")
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


DatasetNames = Annotated[tuple[DatasetName, ...], AllDifferent]
RowNames = Annotated[tuple[RowName, ...], AllDifferent]
ROWS_DESCRIPTION = (
    "Methods compared, each with its variants: `+es` for the early-stopped schedule, `+ft` for "
    "fine-tuning on the clean set, `+es+ft` for both. One with settings is written "
    "`{method: gce+es, q: 0.5}`."
)


class Table1(Section):
    """Table 1: test accuracy under UniformFlip."""

    datasets: DatasetNames = Field(
        ("cifar10", "cifar100"), min_length=1, description="Data sets, the columns."
    )
    rows: RowNames = Field(
        _rows(
            "baseline",
            "reed_hard",
            "s_model",
            "random",
            "clean_only",
            "baseline+ft",
            "random+ft",
            "l2rw",
        ),
        min_length=1,
        description=ROWS_DESCRIPTION,
    )


class Table2(Section):
    """Table 2: test accuracy under BackgroundFlip."""

    datasets: DatasetNames = Field(
        ("cifar10", "cifar100"), min_length=1, description="Data sets, the columns."
    )
    rows: RowNames = Field(
        _rows(
            "baseline",
            "baseline+es",
            "random",
            "weighted",
            "reed_soft+es",
            "reed_hard+es",
            "s_model",
            "s_model_conf",
            "s_model_conf+es",
            "clean_only",
            "baseline+ft",
            "baseline+es+ft",
            "weighted+ft",
            "s_model_conf+ft",
            "s_model_conf+es+ft",
            "l2rw",
        ),
        min_length=1,
        description=ROWS_DESCRIPTION,
    )


class Sanity(Section):
    """Test accuracy of the Baseline without noise, for both networks (section 4.2)."""

    datasets: DatasetNames = Field(
        ("cifar10", "cifar100"), min_length=1, description="Data sets, the columns."
    )


class Figure3(Section):
    """Figure 3: weights of clean and flipped images under BackgroundFlip, half-way of L2RW."""

    dataset: DatasetName = Field("cifar10", description="Data set.")


class Figure4(Section):
    """Figure 4: test accuracy against the size of the clean set, BackgroundFlip."""

    dataset: DatasetName = Field("cifar10", description="Data set.")
    background_class: NotNegative = Field(3, description="Class that labels flip to.")
    clean_sizes: Annotated[tuple[Positive, ...], AllDifferent] = Field(
        (15, 50, 100, 200, 500, 1000, 2000),
        min_length=1,
        description="Images of the clean set in all, the sweep of the figure.",
    )
    rows: RowNames = Field(
        _rows("baseline+ft", "baseline+es+ft", "l2rw"), min_length=1, description=ROWS_DESCRIPTION
    )


class Figure5(Section):
    """Figure 5: test accuracy against the noise level, BackgroundFlip."""

    dataset: DatasetName = Field("cifar10", description="Data set.")
    noise_levels: Annotated[tuple[Noise, ...], AllDifferent] = Field(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        min_length=1,
        description="Noise levels, the sweep of the figure.",
    )
    rows: RowNames = Field(
        _rows(
            "baseline",
            "baseline+es",
            "baseline+ft",
            "baseline+es+ft",
            "s_model_conf+es",
            "s_model_conf+es+ft",
            "l2rw",
        ),
        min_length=1,
        description=ROWS_DESCRIPTION,
    )


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


class Theorem2(Section):
    """Theorem 2: the smallest E‖∇G‖² so far against C/√T, and controls that must fail."""

    steps: Positive = Field(1_000_000, description="Steps, T.")
    limit_fractions: Annotated[tuple[Share, ...], AllDifferent] = Field(
        (0.25, 0.5, 0.75),
        min_length=1,
        description="Step sizes as shares of the corrected limit 2/(Lσ²); the best is 0.5.",
    )


class Lemma1(Section):
    """Lemma 1: the clean loss never grows at the corrected limit of the step size."""

    steps: Positive = Field(20_000, description="Steps.")


class GradientNorm(Section):
    """How the clean gradient falls along the training of the paper's networks (an observation)."""

    dataset: DatasetName = Field(
        "cifar10", description="Data set of the network of Table 2, beside that of Figure 2."
    )
    rows: RowNames = Field(
        _rows("baseline", "l2rw"), min_length=1, description="Methods compared, without variants."
    )


class Figure6(Section):
    """Figure 6: confusion matrices under UniformFlip and BackgroundFlip."""

    dataset: DatasetName = Field("cifar10", description="Data set.")
    rows: RowNames = Field(_rows("baseline", "l2rw"), min_length=1, description=ROWS_DESCRIPTION)


class Figure7(Section):
    """Figure 7: training curves under BackgroundFlip."""

    dataset: DatasetName = Field("cifar10", description="Data set.")
    rows: RowNames = Field(
        _rows("baseline", "s_model", "l2rw"), min_length=1, description=ROWS_DESCRIPTION
    )
