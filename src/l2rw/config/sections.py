"""The sections of experiments, with the paper's settings as defaults."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from l2rw.config.schema import (
    AllDifferent,
    DatasetName,
    MethodRow,
    Noise,
    NotNegative,
    Positive,
    RowName,
    Section,
    Share,
    Training,
    as_rows,
    check_decay,
)


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
        as_rows("baseline", "proportion", "resample", "hard_mining", "random", "l2rw"),
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
        as_rows(
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
        as_rows(
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
        as_rows("baseline+ft", "baseline+es+ft", "l2rw"), min_length=1, description=ROWS_DESCRIPTION
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
        as_rows(
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
        as_rows("baseline", "l2rw"), min_length=1, description="Methods compared, without variants."
    )


class Figure6(Section):
    """Figure 6: confusion matrices under UniformFlip and BackgroundFlip."""

    dataset: DatasetName = Field("cifar10", description="Data set.")
    rows: RowNames = Field(as_rows("baseline", "l2rw"), min_length=1, description=ROWS_DESCRIPTION)


class Figure7(Section):
    """Figure 7: training curves under BackgroundFlip."""

    dataset: DatasetName = Field("cifar10", description="Data set.")
    rows: RowNames = Field(
        as_rows("baseline", "s_model", "l2rw"), min_length=1, description=ROWS_DESCRIPTION
    )
