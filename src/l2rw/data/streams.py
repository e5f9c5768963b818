"""Endless, shuffled streams of example positions, addressed by position rather than iterated.

What lies at place k of a stream depends on (axis, seed, k) alone, so step t can be asked for at
any time: a resumed run needs no iterator state.
"""

from functools import lru_cache

import numpy as np

from l2rw.data.splits import Indices
from l2rw.randomness import Axis, generator


class Stream:
    """Pass after pass over some items, each pass in a fresh random order."""

    def __init__(self, items: Indices, axis: Axis, seed: int, lane: int = 0) -> None:
        """Args: ``lane`` tells apart several streams of the same axis and seed."""
        if not len(items):
            raise ValueError("a stream needs at least one item")
        self._items = items

        @lru_cache(maxsize=2)
        def one_pass(number: int) -> Indices:
            return generator(axis, seed, lane + 2**32 * number).permutation(items)

        self._one_pass = one_pass

    def take(self, start: int, count: int) -> Indices:
        """Return the items at places ``start`` to ``start + count``, shape (count,)."""
        places = np.arange(start, start + count)
        passes, offsets = np.divmod(places, len(self._items))
        taken = np.empty(count, dtype=np.int64)
        for number in np.unique(passes):
            here = passes == number
            taken[here] = self._one_pass(int(number))[offsets[here]]
        return taken


class BalancedStream:
    """A stream in which the classes take turns, each running through its own examples."""

    def __init__(self, labels: Indices, axis: Axis, seed: int) -> None:
        """Args: ``labels`` are those of the examples 0 to n - 1 that the stream yields."""
        self._streams = [
            Stream(np.flatnonzero(labels == label), axis, seed, lane=int(label))
            for label in np.unique(labels)
        ]

    def take(self, start: int, count: int) -> Indices:
        """Return the positions at places ``start`` to ``start + count``, shape (count,)."""
        classes = len(self._streams)
        taken = np.empty(count, dtype=np.int64)
        for lane, stream in enumerate(self._streams):
            first = (lane - start) % classes
            mine = range(first, count, classes)
            taken[mine] = stream.take((start + first) // classes, len(mine))
        return taken
