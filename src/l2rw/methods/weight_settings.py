"""Hyperparameters of methods that weigh examples, as in :mod:`l2rw.methods.settings`."""

from dataclasses import dataclass, field

from l2rw.methods.settings import require

CROSS_ENTROPY = "cross_entropy"


@dataclass(frozen=True)
class L2RWSettings:
    """Of :mod:`l2rw.methods.l2rw`."""

    loss: str = field(default=CROSS_ENTROPY, metadata={"left_out_at": CROSS_ENTROPY})
    """What is weighed: cross-entropy, or the loss of the method with this name, at its defaults."""

    def __post_init__(self) -> None:
        """Check that there is such a loss."""
        if self.loss == CROSS_ENTROPY:
            return  # as the paper's rows are read when records of other packages may be faulty
        from l2rw.methods import METHODS  # whose records hold these settings

        known = [CROSS_ENTROPY, *(name for name, one in METHODS.items() if one.loss_alone)]
        hint = f"choose one of {', '.join(known)}."
        require(self.loss in known, f"loss is {self.loss!r}", hint)


@dataclass(frozen=True)
class SelfPacedSettings:
    """Of :mod:`l2rw.methods.self_paced`."""

    percentile: float = 0.75
    """Of a batch's losses, which the threshold follows, in (0, 1)."""
    decay: float = 0.5
    """Share of the threshold that a step keeps, in [0, 1)."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_pace(self.percentile, self.decay)


@dataclass(frozen=True)
class MentorNetPDSettings:
    """Of :mod:`l2rw.methods.mentornet_pd`."""

    percentile: float = 0.75
    """As in ``self_paced``."""
    decay: float = 0.5
    """As in ``self_paced``."""
    burn_in: float = 0.18
    """Share of the steps in which all examples count, in [0, 1]."""
    gamma: float = 1.0
    """Range of losses above the threshold over which the weight falls to zero at the end, > 0."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_pace(self.percentile, self.decay)
        check_share("burn_in", self.burn_in)
        require(self.gamma > 0, f"gamma is {self.gamma}", "choose one above 0.")


@dataclass(frozen=True)
class MentorSettings:
    """Of :mod:`l2rw.methods.mentor` and :mod:`l2rw.methods.mentornet_dd`."""

    percentile: float = 0.75
    """As in ``self_paced``."""
    decay: float = 0.5
    """As in ``self_paced``."""
    burn_in: float = 0.18
    """As in ``mentornet_pd``."""
    learning_rate: float = 0.01
    """Of Adam, which trains the mentor, > 0."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_pace(self.percentile, self.decay)
        check_share("burn_in", self.burn_in)
        rate = self.learning_rate
        require(rate > 0, f"learning_rate is {rate}", "choose one above 0.")


@dataclass(frozen=True)
class ActiveBiasSettings:
    """Of :mod:`l2rw.methods.active_bias`."""

    smoothness: float = 0.2
    """What every example counts beside the deviation of its probability, > 0."""
    warm_up: float = 0.25
    """Share of the steps in which all examples count alike, in [0, 1]."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.smoothness > 0, f"smoothness is {self.smoothness}", "choose one above 0.")
        check_share("warm_up", self.warm_up)


@dataclass(frozen=True)
class AdaBoostSettings:
    """Of :mod:`l2rw.methods.adaboost`."""

    rounds: int = 10
    """Networks that vote, each trained for as many steps."""

    def __post_init__(self) -> None:
        """Check the range."""
        require(self.rounds > 0, f"rounds is {self.rounds}", "choose 1 or more rounds.")


@dataclass(frozen=True)
class SMOTESettings:
    """Of :mod:`l2rw.methods.smote`."""

    neighbours: int = 5
    """Nearest examples of the same class that an example may be combined with."""

    def __post_init__(self) -> None:
        """Check the range."""
        require(self.neighbours > 0, f"neighbours is {self.neighbours}", "choose 1 or more.")


def check_pace(percentile: float, decay: float) -> None:
    """Raise ValueError unless a percentile and a decay are in their ranges."""
    require(0 < percentile < 1, f"percentile is {percentile}", "choose one between 0 and 1.")
    require(0 <= decay < 1, f"decay is {decay}", "choose decay from 0 to below 1.")


def check_share(name: str, share: float) -> None:
    """Raise ValueError unless a setting is a share."""
    require(0 <= share <= 1, f"{name} is {share}", "choose a share from 0 to 1.")
