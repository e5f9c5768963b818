"""The sections of the configuration that experiments share."""

from typing import Literal

from pydantic import Field, model_validator

from l2rw.config.schema import (
    DatasetName,
    Noise,
    NotNegative,
    Positive,
    Section,
    Seeds,
    Share,
    Training,
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
    """The schedule of rows ``+es``; everything else is as without ``+es``."""

    steps: Positive = Field(60_000, description="Number of training steps.")
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
    clean_size: Positive = Field(1000, description="Number of images in the clean set.")
    training: Training = Field(default=WRN, description="How networks are trained.")


class BackgroundFlips(Section):
    """BackgroundFlip: labels flip to one background class (Table 2, Figures 3 to 7)."""

    noise: Noise = Field(
        0.4, description="Share of the other classes' training images whose label flips to it."
    )
    clean_per_class: Positive = Field(
        10, description="Number of images in the clean set for each class."
    )
    background_classes: dict[DatasetName, tuple[NotNegative, ...]] = Field(
        {"cifar10": (0, 1, 3, 5, 7), "cifar100": (7, 12, 41, 62, 85)},
        description="For each data set, the background classes of seeds 0, 1, …, in this order.",
    )
    training: Training = Field(default=RESNET, description="How networks are trained.")
    early_stopping: EarlyStopping = Field(
        default_factory=EarlyStopping,
        description="The schedule of rows `+es`; everything else is as without `+es`.",
    )


class NoisyLabels(Section):
    """Settings that the experiments with noisy labels share (section 4.2)."""

    seeds: Seeds = Field(5, description="Number of random splits; seeds are 0, 1, …")
    validation_size: NotNegative = Field(
        5000,
        description="Number of images in the hyper-validation set, which is corrupted like the "
        "training set.",
    )
    baselines_see_clean: bool = Field(
        False,
        description="Whether methods that do not use the clean set train on its images, with "
        "their right labels, in addition to the noisy ones.",
    )
    fine_tuning_steps: Positive = Field(
        5000,
        description="Number of steps of rows `+ft` on the clean set, at the last learning rate of "
        "the run that they continue.",
    )
    clean_only_steps: Positive = Field(
        2000, description="Number of steps of `clean_only`, at the initial learning rate."
    )
    authors_code: bool = Field(
        False,
        description="Whether to draw labels, background classes and clean set as in the authors' "
        "published code instead of the paper; see `config/authors_code.yaml`.",
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
        description="Number of training images, including the clean set. C is proportional to its "
        "square root.",
    )
    clean_size: Positive = Field(
        20, description="Number of images in the clean set, half from each class."
    )
    model: Literal["logistic", "softmax"] = Field(
        "logistic", description="Logistic or softmax regression on images of unit norm."
    )
    batch_size: Positive = Field(10, description="Number of training examples in a step.")
    trajectories: Positive = Field(
        20,
        description="Number of independent sequences of batches; their mean estimates "
        "expectations.",
    )
