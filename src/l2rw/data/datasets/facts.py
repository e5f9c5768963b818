"""What is known of a data set without its examples: enough to plan with and to build a network."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from l2rw.store.identity import RESULTS_REVISION, digest, revisions


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts of a data set, enough to validate a configuration.

    Those of published data sets stand in the catalog. Those of a user's own are measured, and
    kept in the data set's file.
    """

    name: str
    image_shape: tuple[int, ...]
    """Channels, height, width of images; the number of features of a table."""
    train_class_sizes: tuple[int, ...]
    """Number of training examples by class."""
    pixel_range: tuple[float, float]
    """What uint8 0 and 255 become when a network sees them; features stay as they are."""
    sha256: Mapping[str, str] = field(hash=False)
    """What the content was made from, by name, to its SHA-256; enters identities."""
    revision: int = 0
    """Of what reads it; part of an identity unless 0."""
    class_names: tuple[str, ...] = ()
    """By label; labels alone if empty."""
    test_size: int = field(default=0, compare=False)
    """Number of test examples; 0 if not known."""
    truth_is_known: bool = True
    """Whether the right label of every training example is known."""
    clean_class_sizes: tuple[int, ...] = ()
    """Examples by class of the list that the user trusts; empty without a list."""
    test_is_trusted: bool = True
    """Whether the labels of the test part are held to be right."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a user should know of it, in sentences."""

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.train_class_sizes)

    @property
    def megabytes(self) -> int:
        """About what the training examples take as a file holds them, in 10⁶ bytes, rounded up."""
        each = math.prod(self.image_shape) * (1 if self.has_images else 4)
        return math.ceil(sum(self.train_class_sizes) * each / 1e6)

    @property
    def has_images(self) -> bool:
        """Whether its examples are images; else they are rows of features."""
        return len(self.image_shape) > 1

    def class_name(self, label: int) -> str:
        """Return what people call a class."""
        return self.class_names[label] if self.class_names else str(label)


UNTRUSTED_TESTS = "untrusted_tests"
"""Setting of experiments: data sets whose test labels may be wrong; absent if there are none."""


def score_in_words(are_trusted: Iterable[bool], *, errors: bool = False) -> str:
    """Return what the share of test labels that are predicted is called.

    Args:
        are_trusted: Of each data set, whether its test labels are held to be right. If not, the
            share is no accuracy.
        errors: Whether the labels count that are not predicted.
    """
    words = {True: "test error" if errors else "test accuracy"}
    words[False] = f"{'disagreement' if errors else 'agreement'} with given test labels"
    said = " or ".join(words[are] for are in sorted(set(are_trusted), reverse=True))
    return said.capitalize()


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Return facts as plain data."""
    return asdict(facts)


def facts_from_json(content: Mapping[str, Any]) -> Facts:
    """Return the facts that :func:`facts_to_json` turned into plain data."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    return Facts(**values)


def data_file(data: Facts) -> str:
    """Return the name of a data set's file, with a digest of its content and options."""
    content = dict(data.sha256)
    identity = {"revision": RESULTS_REVISION, "content": content, **revisions(data)}
    return f"{data.name}-{digest(identity)}.npz"
