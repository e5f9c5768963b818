"""Hyperparameters of methods that choose a loss, as in :mod:`l2rw.methods.settings`."""

from dataclasses import dataclass

from l2rw.methods.settings import Checked, number


@dataclass(frozen=True)
class GCESettings(Checked):
    """Of :mod:`l2rw.methods.gce`."""

    q: float = number(0.7, above=0, most=1)
    """Towards 0 it is cross-entropy, at 1 the mean absolute error."""


@dataclass(frozen=True)
class SCESettings(Checked):
    """Of :mod:`l2rw.methods.sce`; the source has 0.1 and 1 on CIFAR-10, 6 and 0.1 on CIFAR-100."""

    alpha: float = number(0.1, least=0)
    """Factor of cross-entropy."""
    beta: float = number(1.0, least=0)
    """Factor of the reverse cross-entropy."""
    least_label: float = number(1e-4, above=0, below=1)
    """Whose logarithm stands for that of zero."""


@dataclass(frozen=True)
class ELRSettings(Checked):
    """Of :mod:`l2rw.methods.elr`; the source has 0.7 and 3 on CIFAR-10, 0.9 and 7 on CIFAR-100."""

    beta: float = number(0.7, least=0, below=1)
    """Share of a target that its memory keeps."""
    strength: float = number(3.0, least=0)
    """Factor of the regularisation, λ."""


@dataclass(frozen=True)
class MixupSettings(Checked):
    """Of :mod:`l2rw.methods.mixup`; the source has 1 for clean labels and 8 for noisy ones."""

    alpha: float = number(1.0, above=0)
    """Of the Beta(α, α) that mixing shares come from."""


@dataclass(frozen=True)
class FocalSettings(Checked):
    """Of :mod:`l2rw.methods.focal`."""

    gamma: float = number(2.0, least=0)
    """Power of the distance to a sure prediction; 0 is cross-entropy."""


@dataclass(frozen=True)
class ClassBalancedSettings(Checked):
    """Of :mod:`l2rw.methods.class_balanced`."""

    beta: float = number(0.9999, least=0, below=1)
    """0 weighs all classes alike, towards 1 it is the inverse frequency."""
    gamma: float = number(0.0, least=0)
    """Of the focal loss that is weighed; 0 is cross-entropy."""


@dataclass(frozen=True)
class LDAMSettings(Checked):
    """Of :mod:`l2rw.methods.ldam_drw`."""

    margin: float = number(0.5, above=0)
    """Of the rarest class."""
    scale: float = number(30.0, above=0)
    """Of the cosines."""
    beta: float = number(0.9999, least=0, below=1)
    """Of the class weights, as in ``class_balanced``."""
    reweights_from: float = number(0.8, least=0, most=1)
    """Share of the steps after which classes are weighed."""


@dataclass(frozen=True)
class ForwardSettings(Checked):
    """Of :mod:`l2rw.methods.forward_correction`."""

    passed_over: float = number(0.3, left_out_at=0.0, least=0, below=1)
    """Number of images with a higher predicted probability of a class than its anchor, as a share
    of the mean number of images of a class."""
