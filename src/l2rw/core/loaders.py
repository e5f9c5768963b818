"""Batches of a small clean set beside an epoch of a large training set."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def forever(loader: Iterable[T]) -> Iterator[T]:
    """Yield a loader's batches, epoch after epoch, each in the loader's own new order.

    >>> for batch, clean_batch in zip(train_loader, forever(clean_loader)):
    ...     ...

    Raises:
        ValueError: The loader yields nothing, or is an iterator, which can be read once only.
    """
    while True:
        if iter(loader) is loader:
            raise ValueError("an iterator can be read once only: pass the loader itself")
        empty = True
        for batch in loader:
            empty = False
            yield batch
        if empty:
            raise ValueError("the clean loader yields nothing: it has no batch to repeat")
