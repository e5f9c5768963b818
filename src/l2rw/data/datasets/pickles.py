"""Pickles that hold NumPy arrays and plain Python values, and can do nothing else.

A pickle is a program: it may name any function for Python to call. Files of users are of unknown
origin, so an unpickler of ours knows only the functions that NumPy's arrays need.
"""

import pickle
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from l2rw.store.errors import UserError, why


def load_pickle(stream: IO[bytes], where: str) -> object:
    """Read a pickle made by Python 2 or 3, the byte strings of Python 2 as ``bytes``.

    Args:
        stream: The pickle, open for reading bytes.
        where: What messages call it.

    Raises:
        UserError: The pickle is damaged, or holds more than arrays, numbers, texts and containers.
    """
    try:
        return _ArrayUnpickler(stream, where).load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle may fail in any way
        raise UserError(
            f"{where} is damaged or not a pickle of arrays ({why(error)}).",
            "replace it with a fresh copy.",
        ) from None


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], where: str) -> None:
        super().__init__(stream, encoding="bytes")
        self.where = where

    def find_class(self, module_name: str, global_name: str, /) -> Callable[..., object]:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise UserError(
                f"{self.where} is refused: a pickle of arrays has no need of "
                f"{module_name}.{global_name}, which this one names.",
                "do not trust the file; replace it with a copy from its publisher.",
            ) from None


def _encode(text: str, encoding: str) -> bytes:
    """Byte strings that Python 3 pickled for Python 2 are texts to encode."""
    if encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"unknown encoding {encoding!r}")
    return text.encode("latin1")


# The functions that NumPy names to restore an array depend on the protocol.
_RECONSTRUCT: Any = np.zeros(1).__reduce__()[0]
_FROMBUFFER: Any = np.zeros(1).__reduce_ex__(5)[0]
_ADMITTED: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _FROMBUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROMBUFFER,
    ("_codecs", "encode"): _encode,
    **{
        (builtins, container.__name__): container
        for builtins in ("builtins", "__builtin__")
        for container in (list, tuple, dict, set, frozenset)
    },
}
"""What a pickle may name, by module and name."""
