"""Endless, shuffled streams of example positions, addressed by position rather than iterated.

The item at place k of a stream depends only on (axis, seed, k), so step t can be asked for at
any time: a resumed run needs no iterator state.
"""

from functools import lru_cache

import numpy as np

from l2rw.data.splits import Indices, Part
from l2rw.store.randomness import Axis, generator


class Stream:
    """Pass after pass over some examples, each pass in a fresh random order.

    In a pass every image of the data set has a random key, and examples come in the order of their
    images' keys: methods that train on different parts see what they share in the same order.
    """

    def __init__(self, images: Indices, axis: Axis, seed: int, lane: int = 0) -> None:
        """Prepare to yield.

        Args:
            images: The examples' images in the data set, unique, shape (n,).
            axis: What is drawn.
            seed: Seed of the run.
            lane: Tells apart several streams of the same axis and seed.
        """
        if not len(images):
            raise ValueError("a stream needs at least one item")
        self._length = len(images)

        @lru_cache(maxsize=2)
        def one_pass(number: int) -> Indices:
            keys = generator(axis, seed, lane + 2**32 * number).random(images.max() + 1)
            return np.argsort(keys[images])

        self._one_pass = one_pass

    def take(self, start: int, count: int) -> Indices:
        """Return the positions at places ``start`` to ``start + count``, shape (count,)."""
        places = np.arange(start, start + count)
        passes, offsets = np.divmod(places, self._length)
        taken = np.empty(count, dtype=np.int64)
        for number in np.unique(passes):
            here = passes == number
            taken[here] = self._one_pass(int(number))[offsets[here]]
        return taken


class BalancedStream:
    """A stream in which the classes take turns, each running through its own examples."""

    def __init__(self, part: Part, axis: Axis, seed: int) -> None:
        """Args: ``part`` holds the examples and their labels."""
        self._members = [np.flatnonzero(part.labels == label) for label in np.unique(part.labels)]
        self._streams = [
            Stream(part.indices[members], axis, seed, lane=int(part.labels[members[0]]))
            for members in self._members
        ]

    def take(self, start: int, count: int) -> Indices:
        """Return the positions at places ``start`` to ``start + count``, shape (count,)."""
        classes = len(self._streams)
        taken = np.empty(count, dtype=np.int64)
        for lane, (members, stream) in enumerate(zip(self._members, self._streams, strict=True)):
            first = (lane - start) % classes
            mine = range(first, count, classes)
            taken[mine] = members[stream.take((start + first) // classes, len(mine))]
        return taken
