"""What tests of corruptions share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from l2rw.data.splits import Split


@pytest.fixture(scope="session")
def file_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Split], bytes]:
    """The bytes of a split's file."""
    path: Path = tmp_path_factory.mktemp("split") / "split.npz"

    def file_of(split: Split) -> bytes:
        split.save(path)
        return path.read_bytes()

    return file_of
