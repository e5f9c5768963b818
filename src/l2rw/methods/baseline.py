"""Plain training, and plain training on the clean set."""

from l2rw.methods.base import Method


class Baseline(Method):
    """Every example counts the same."""


class CleanOnly(Baseline):
    """The baseline on the clean set alone, which the plan makes its training set (section 4.2)."""
