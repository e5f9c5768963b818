"""Hyperparameters of methods that weigh examples, as in :mod:`l2rw.methods.settings`."""

from dataclasses import dataclass, field

from l2rw.methods.settings import Checked, number, require

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
class SelfPacedSettings(Checked):
    """Of :mod:`l2rw.methods.self_paced`."""

    percentile: float = number(0.75, above=0, below=1)
    """Of a batch's losses, which the threshold follows."""
    decay: float = number(0.5, least=0, below=1)
    """Share of the threshold that a step keeps."""
    burn_in: float = number(0.18, left_out_at=0.0, least=0, most=1)
    """Share of the steps in which all examples count."""


@dataclass(frozen=True)
class MentorNetPDSettings(Checked):
    """Of :mod:`l2rw.methods.mentornet_pd`."""

    percentile: float = number(0.75, above=0, below=1)
    """As in ``self_paced``."""
    decay: float = number(0.5, least=0, below=1)
    """As in ``self_paced``."""
    burn_in: float = number(0.18, least=0, most=1)
    """As in ``self_paced``."""
    gamma: float = number(1.0, above=0)
    """Range of losses above the threshold over which the weight falls to zero at the end."""


@dataclass(frozen=True)
class MentorSettings(Checked):
    """Of :mod:`l2rw.methods.mentor` and :mod:`l2rw.methods.mentornet_dd`."""

    percentile: float = number(0.75, above=0, below=1)
    """As in ``self_paced``."""
    decay: float = number(0.5, least=0, below=1)
    """As in ``self_paced``."""
    burn_in: float = number(0.18, least=0, most=1)
    """As in ``self_paced``."""
    learning_rate: float = number(0.01, above=0)
    """Of Adam, which trains the mentor."""


@dataclass(frozen=True)
class ActiveBiasSettings(Checked):
    """Of :mod:`l2rw.methods.active_bias`."""

    smoothness: float = number(0.2, above=0)
    """What every example counts beside the deviation of its probability."""
    warm_up: float = number(0.25, least=0, most=1)
    """Share of the steps in which all examples count alike."""


@dataclass(frozen=True)
class MetaWeightNetSettings(Checked):
    """Of :mod:`l2rw.methods.meta_weight_net`."""

    hidden: int = number(100, least=1)
    """Units of the weighting network's hidden layer."""
    learning_rate: float = number(1e-3, above=0)
    """Of Adam, which trains the weighting network."""
    weight_decay: float = number(1e-4, least=0)
    """Of Adam, likewise."""


@dataclass(frozen=True)
class AdaBoostSettings(Checked):
    """Of :mod:`l2rw.methods.adaboost`."""

    rounds: int = number(10, least=1)
    """Networks that vote, each trained for as many steps."""


@dataclass(frozen=True)
class SMOTESettings(Checked):
    """Of :mod:`l2rw.methods.smote`."""

    neighbours: int = number(5, least=1)
    """Nearest examples of the same class that an example may be combined with."""
