"""Class balance by sampling (section 4.1)."""

from l2rw.data.splits import Part
from l2rw.data.streams import BalancedStream
from l2rw.methods.base import ExampleOrder, Method


class Resample(Method):
    """Mini-batches in which every class has the same number of examples."""

    def order(self, train: Part, seed: int) -> ExampleOrder:
        """Let the classes take turns."""
        return BalancedStream(train, "batch", seed)
