"""Types that the configuration's sections share, and the sections on jobs and on training."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from l2rw.config.messages import is_boolean_for_number, shown
from l2rw.data.corruptions import CORRUPTIONS
from l2rw.data.datasets.catalog import CATALOG
from l2rw.methods import METHODS
from l2rw.methods.rows import Row, parse_row
from l2rw.methods.settings import LARGEST
from l2rw.models import MODELS
from l2rw.store.errors import closest
from l2rw.store.records import LONGEST_NAME, Records


def _one_of(kind: str, known: Records[Any]) -> Any:
    """Return the type of a name that must be in a table."""

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"there is no {kind} {name!r}. Hint: {closest(name, known)}")
        return name

    names = {"type": "string", "examples": list(known.built_in)}
    return Annotated[str, AfterValidator(check), WithJsonSchema(names)]


def _data_set(name: str, info: ValidationInfo) -> str:
    """Return the name of a data set of the catalog, or of the configuration."""
    own: Any = (info.context or {}).get("data_sets", ())
    if name not in CATALOG and name not in own:
        hint = closest(name, [*CATALOG, *own])
        raise ValueError(f"there is no data set {name!r}. Hint: {hint}")
    return name


def _all_different(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{shown(str(value))} is listed twice. Hint: list it once.")
    return values


def as_rows(*texts: str) -> Any:
    """Return default rows as they are written; pydantic reads them as it reads any others."""
    return texts


def _row_text(given: Any) -> str:
    return str(parse_row(given))


def _without_variants(row: Row) -> Row:
    if row.early_stopped or row.averaged or row.fine_tuned:
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
MOST = 10**9
"""The largest whole number: larger ones are surely mistakes, and refused."""
Positive = Annotated[int, Field(gt=0, le=MOST)]
NotNegative = Annotated[int, Field(ge=0, le=MOST)]
Seeds = Annotated[int, Field(gt=0, le=1000)]
Parallel = Annotated[int, Field(gt=0, le=1024)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=LONGEST_NAME)]
AllDifferent = AfterValidator(_all_different)

if TYPE_CHECKING:
    CorruptionName: TypeAlias = str
    DatasetName: TypeAlias = str
    ModelName: TypeAlias = str
    RowName: TypeAlias = Row
    MethodRow: TypeAlias = Row
else:
    CorruptionName = _one_of("corruption", CORRUPTIONS)
    DatasetName = Annotated[
        str,
        AfterValidator(_data_set),
        WithJsonSchema({"type": "string", "examples": list(CATALOG.built_in)}),
    ]
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

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_no_booleans(cls, given: Any) -> Any:
        for key, value in given.items() if isinstance(given, Mapping) else ():
            field = cls.model_fields.get(key)
            if field is not None and is_boolean_for_number(field.annotation, value):
                raise ValueError(
                    f"{key} is {shown(value)}, but it should be a number. Hint: write a number."
                )
        return given

    @field_validator("*")
    @classmethod
    def _numbers_can_be_computed_with(cls, value: Any) -> Any:
        if isinstance(value, float) and abs(value) > LARGEST:
            raise ValueError(f"{value:g} is too large. Hint: write at most {LARGEST:g}.")
        return value


class Data(Section):
    """Where images come from."""

    root: str | None = Field(
        None,
        description="Folder with the data sets' files; `~` is the home folder. It is searched "
        "before anything is downloaded. The environment variable `L2RW_DATA` does the same.",
    )
    download: bool = Field(True, description="Whether absent files may be downloaded.")


class Compute(Section):
    """How jobs run. These keys change results by floating-point rounding at most."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to train; `auto` uses a GPU if there is one."
    )
    threads: Parallel = Field(1, description="CPU threads of a training job.")
    seeds_per_job: Seeds = Field(
        1,
        description="Number of seeds of a cell that one job trains. Finished runs are kept when it "
        "changes.",
    )
    stack: Parallel = Field(
        1,
        description="Number of seeds that a job trains at the same time. This is faster for small "
        "networks on a GPU; results agree up to floating-point rounding.",
    )
    jobs_per_gpu: Parallel = Field(
        1,
        description="Number of jobs that share a GPU of this machine, each on a CUDA stream of one "
        "process. This is faster for small networks; on a cluster, the scheduler decides instead.",
    )
    compile: bool = Field(
        False,
        description="Whether to compile the training step with `torch.compile`. This is faster if "
        "launching kernels costs more than running them; results agree up to floating-point "
        "rounding.",
    )
    capture: bool = Field(
        True,
        description="Whether to capture the training step on a GPU as a CUDA graph, which a single "
        "launch replays. Otherwise every kernel is launched separately; results are the same.",
    )
    deterministic: bool = Field(
        False,
        description="Whether to use only deterministic kernels on a GPU, which are slower. On the "
        "CPU, runs agree bit for bit anyway.",
    )
    checkpoint_seconds: float = Field(
        60.0, ge=0, description="Seconds between two checkpoints of a training job."
    )


def check_decay(steps: int, decay_at: tuple[int, ...]) -> None:
    """Raise ValueError unless the steps of decay are increasing and below the number of steps."""
    if any(later <= earlier for earlier, later in pairwise((0, *decay_at, steps))):
        raise ValueError(
            f"decay_at {list(decay_at)} does not increase within {steps} steps. "
            "Hint: list increasing steps below the number of steps."
        )


class Training(Section):
    """How networks are trained."""

    model: ModelName = Field("lenet", description="Network.")
    steps: Positive = Field(8000, description="Number of training steps.")
    batch_size: int = Field(
        100, ge=2, le=MOST, description="Number of training examples in a step."
    )
    clean_batch_size: Positive = Field(
        10, description="Number of clean examples in a step of L2RW."
    )
    optimizer: Literal["sgd", "adam", "adamw"] = Field(
        "sgd", description="Optimiser, as in `torch.optim`."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Initial learning rate.")
    schedule: Literal["step", "cosine"] = Field(
        "step",
        description="How the learning rate decreases: at `decay_at`, or along half a cosine to "
        "zero.",
    )
    decay_at: tuple[Positive, ...] = Field(
        (),
        description="Steps at which the learning rate is divided by ten; must be empty for the "
        "schedule `cosine`.",
    )
    momentum: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Momentum of SGD, or β₁ of Adam. The paper does not name it; its authors' code "
        "uses 0.9.",
    )
    nesterov: bool = Field(False, description="Whether SGD uses Nesterov momentum.")
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="Weight decay, added to the gradient; `adamw` shrinks the parameters instead.",
    )
    crop_padding: int = Field(
        0,
        ge=0,
        le=MOST,
        description="Black padding in pixels for random crops of training images; 0: no crops.",
    )
    mirror: bool = Field(False, description="Whether training images are mirrored at random.")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32",
        description="Precision of matrix products and convolutions: `tf32` rounds their inputs "
        "on GPUs that support it, `bf16` uses autocast.",
    )
    initial_weights: str | None = Field(
        None,
        description="File with trained weights to start from; `~` is the home folder. It is a "
        "safetensors file, or a `state_dict` that `torch.save` wrote. A classifier for another "
        "number of classes starts from random weights.",
    )
    evaluations: Positive = Field(
        20,
        description="Number of evaluations on the test part, evenly spaced, the last one after all "
        "steps.",
    )

    @model_validator(mode="after")
    def _fit_into_the_steps(self) -> "Training":
        if self.evaluations > self.steps:
            raise ValueError(
                f"{self.evaluations} evaluations do not fit into {self.steps} steps. "
                "Hint: lower evaluations."
            )
        check_decay(self.steps, self.decay_at)
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
