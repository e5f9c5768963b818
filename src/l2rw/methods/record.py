"""What planning, tables and figures need to know about a method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from l2rw.methods.settings import NoSettings, read_settings
from l2rw.store.records import Record

Told = Literal["nothing", "noise rate", "clean images", "true labels"]
"""Extra information about the noise that a method may get."""
NOTHING: Told = "nothing"
CLEAN_IMAGES: Told = "clean images"


@dataclass(frozen=True, kw_only=True)
class MethodRecord(Record):
    """What planning, tables and figures need to know of a method.

    Its implementation is a class, a :class:`~l2rw.methods.base.Method`.
    """

    source: str
    """Where it comes from: a section of the paper, or another paper."""
    guided_by_clean_set: bool = False
    """Whether its steps see a batch of the clean set."""
    trained_on_clean_set: bool = False
    """Whether its training set is the clean set."""
    for_two_classes: bool = False
    """Whether it takes label 0 for the minority of two classes."""
    trained_beside_clean_set: bool = False
    """Whether the clean set is a part of its training set in any case."""
    trained_beside_validation: bool = False
    """Whether the hyper-validation set is so, too."""
    after: str = ""
    """Name of the method whose run of the same seed it depends on; none if empty."""
    needs_validation: bool = False
    """Whether it looks at the hyper-validation set, as its labels are given."""
    loss_alone: bool = False
    """Whether its losses need logits and labels alone, so that L2RW may weigh them instead."""
    one_network: bool = True
    """Whether a single network is evaluated, which can be fine-tuned or averaged."""
    extra_passes: int = 0
    """Passes forward of a batch in every step, beside those of SGD or L2RW: what they cost."""
    told: Told = NOTHING
    """Extra information about the noise or the classes that it gets, apart from the clean
    images that it is guided by or trained on as such."""
    settings: type[Any] = NoSettings
    """A frozen dataclass of its hyperparameters, with the source's defaults. It must not import
    PyTorch either."""

    @property
    def all_told(self) -> tuple[Told, ...]:
        """All extra information that it gets, with clean images; ``nothing`` if it gets none."""
        clean = (
            self.guided_by_clean_set or self.trained_on_clean_set or self.trained_beside_clean_set
        )
        told = {CLEAN_IMAGES: clean, self.told: self.told != NOTHING}
        return tuple(thing for thing, is_told in told.items() if is_told) or (NOTHING,)

    def read_settings(self, given: Mapping[str, Any]) -> Any:
        """Return the settings, those not given at their defaults.

        Raises:
            ValueError: With a hint: there is no such setting, or not of this type or range.
        """
        return read_settings(self.settings, self.name, given)
