"""Hyperparameters of more methods that choose a loss, as in :mod:`l2rw.methods.settings`."""

from dataclasses import dataclass

from l2rw.methods.settings import require


@dataclass(frozen=True)
class SCESettings:
    """Of :mod:`l2rw.methods.sce`; the source has 0.1 and 1 on CIFAR-10, 6 and 0.1 on CIFAR-100."""

    alpha: float = 0.1
    """Factor of cross-entropy, >= 0."""
    beta: float = 1.0
    """Factor of the reverse cross-entropy, >= 0."""
    least_label: float = 1e-4
    """Whose logarithm stands for that of zero, in (0, 1)."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.alpha >= 0, f"alpha is {self.alpha}", "choose 0 or more.")
        require(self.beta >= 0, f"beta is {self.beta}", "choose 0 or more.")
        least = self.least_label
        require(0 < least < 1, f"least_label is {least}", "choose one between 0 and 1.")


@dataclass(frozen=True)
class FocalSettings:
    """Of :mod:`l2rw.methods.focal`."""

    gamma: float = 2.0
    """Power of the distance to a sure prediction, >= 0; 0 is cross-entropy."""

    def __post_init__(self) -> None:
        """Check the range."""
        require(self.gamma >= 0, f"gamma is {self.gamma}", "choose 0 or more.")


@dataclass(frozen=True)
class ClassBalancedSettings:
    """Of :mod:`l2rw.methods.class_balanced`."""

    beta: float = 0.9999
    """In [0, 1): 0 weighs all classes alike, towards 1 it is the inverse frequency."""
    gamma: float = 0.0
    """Of the focal loss that is weighed, >= 0; 0 is cross-entropy."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(0 <= self.beta < 1, f"beta is {self.beta}", "choose beta from 0 to below 1.")
        require(self.gamma >= 0, f"gamma is {self.gamma}", "choose 0 or more.")


@dataclass(frozen=True)
class LDAMSettings:
    """Of :mod:`l2rw.methods.ldam_drw`."""

    margin: float = 0.5
    """Of the rarest class, > 0."""
    scale: float = 30.0
    """Of the cosines, > 0."""
    beta: float = 0.9999
    """Of the class weights, as in ``class_balanced``."""
    reweights_from: float = 0.8
    """Share of the steps after which classes are weighed, in [0, 1]."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.margin > 0, f"margin is {self.margin}", "choose one above 0.")
        require(self.scale > 0, f"scale is {self.scale}", "choose one above 0.")
        require(0 <= self.beta < 1, f"beta is {self.beta}", "choose beta from 0 to below 1.")
        share = self.reweights_from
        require(0 <= share <= 1, f"reweights_from is {share}", "choose a share from 0 to 1.")
