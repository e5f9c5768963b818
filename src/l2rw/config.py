"""The configuration as typed models: the one source of defaults, JSON schema and key reference.

The defaults are the paper. ``config/config.yaml`` spells them out; other files are overlays.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from l2rw.data.catalog import CATALOG
from l2rw.errors import UserError, closest
from l2rw.methods import METHODS
from l2rw.models import MODELS


def _one_of(kind: str, known: Iterable[str]) -> Any:
    """Return the type of a name that must be in a table."""
    names = list(known)

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"there is no {kind} {name!r}. Hint: {closest(name, names)}")
        return name

    return Annotated[str, AfterValidator(check), WithJsonSchema({"type": "string", "enum": names})]


Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]

if TYPE_CHECKING:
    DatasetName: TypeAlias = str
    ModelName: TypeAlias = str
    MethodName: TypeAlias = str
else:
    DatasetName = _one_of("data set", CATALOG)
    ModelName = _one_of("model", MODELS)
    MethodName = _one_of("method", METHODS)


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Where images come from."""

    root: str | None = Field(
        None,
        description="Folder with the data sets' files. Searched before anything is downloaded; "
        "the environment variable `L2RW_DATA` does the same.",
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
        description="Seeds of a cell trained by one job. Results lie in a folder for each job: "
        "this is the one key here whose change trains anew.",
    )
    stack: Positive = Field(
        1,
        description="Seeds of a job trained at the same time. Pays for small networks on a GPU; "
        "results agree up to floating-point rounding.",
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


class Training(Section):
    """How networks are trained."""

    model: ModelName = Field("lenet", description="Network.")
    steps: Positive = Field(8000, description="Training steps.")
    batch_size: int = Field(100, ge=2, description="Training examples in a step.")
    clean_batch_size: Positive = Field(10, description="Clean examples in a step of L2RW.")
    learning_rate: float = Field(1e-3, gt=0, description="Initial learning rate of SGD.")
    decay_at: tuple[Positive, ...] = Field(
        (), description="Steps at which the learning rate is divided by ten."
    )
    momentum: float = Field(
        0.9, ge=0, lt=1, description="Momentum; the paper names none, its authors' code has 0.9."
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of SGD.")
    crop_padding: int = Field(
        0, ge=0, description="Pixels of black padding for random crops of training images."
    )
    flip: bool = Field(False, description="Whether training images are mirrored at random.")
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
        ends = (0, *self.decay_at, self.steps)
        if any(later <= earlier for earlier, later in pairwise(ends)):
            raise ValueError(
                f"decay_at {list(self.decay_at)} does not ascend within {self.steps} steps. "
                "Hint: list steps in order, each once, all below steps."
            )
        return self


class Figure2(Section):
    """MNIST 4 against 9 with class imbalance: error against the majority share (section 4.1)."""

    dataset: DatasetName = Field("mnist", description="Data set.")
    seeds: Positive = Field(10, description="Number of random splits; seeds are 0, 1, …")
    minority: int = Field(4, description="Class with few images.")
    majority: int = Field(9, description="Class with many images.")
    majority_shares: tuple[Share, ...] = Field(
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
    methods: tuple[MethodName, ...] = Field(
        tuple(METHODS), min_length=1, description="Methods compared."
    )
    training: Training = Field(default_factory=Training, description="How networks are trained.")

    @field_validator("majority_shares", "methods")
    @classmethod
    def _no_repetition(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f"{value} is listed twice. Hint: list it once.")
        return values


class Experiments(Section):
    """The figures and tables of the paper."""

    figure2: Figure2 = Field(default_factory=Figure2, description=(Figure2.__doc__ or "").strip())


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
    experiments: Experiments = Field(
        default_factory=Experiments, description="The figures and tables of the paper."
    )

    @field_validator("targets")
    @classmethod
    def _known(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        known = list(Experiments.model_fields)
        for target in targets:
            if targets.count(target) > 1:
                raise ValueError(f"{target} is listed twice. Hint: list it once.")
            if target not in known:
                raise ValueError(
                    f"there is no experiment {target!r}. Hint: {closest(target, known)}"
                )
        return targets


def parse_config(raw: dict[str, Any]) -> Config:
    """Validate a configuration.

    Raises:
        UserError: Names the first key that is wrong, what is wrong with it, and what would do.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise _explain(key, first) from None


def _explain(key: str, error: Any) -> UserError:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        parent, _, unknown = key.rpartition(".")
        known = [k.rpartition(".")[2] for k, _ in keys() if k.rpartition(".")[0] == parent]
        return UserError(f"Configuration: unknown key {key!r}.", closest(unknown, known))
    if kind == "value_error":
        message, _, hint = str(context["error"]).partition(" Hint: ")
        return UserError(f"Configuration: {key}: {message}", hint)
    return UserError(
        f"Configuration: {key} is {given!r}, but {error['msg'].replace('Input', 'it', 1)}.",
        "config/README.md lists every key with its type and default.",
    )


def keys(section: type[Section] = Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key as (dotted name, pydantic field), sections before what they hold."""
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from keys(field.annotation, f"{prefix}{name}.")
