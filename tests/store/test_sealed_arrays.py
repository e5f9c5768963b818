import numpy as np
import pytest

from l2rw.store.sealed_arrays import LENGTH, verify_arrays, write_arrays


@pytest.fixture
def path(tmp_path):
    write_arrays(tmp_path / "arrays.npz", {"a": np.arange(3), "b": np.ones(2)})
    return tmp_path / "arrays.npz"


def is_whole(path):
    try:
        verify_arrays(path)
    except ValueError:
        return False
    return True


def test_no_cut_and_no_addition_passes(path):
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        assert not is_whole(path), f"the first {end} of {len(content)} bytes"
    path.write_bytes(content + b"\n")
    assert not is_whole(path)
    path.write_bytes(content)
    assert is_whole(path)


def test_files_of_earlier_versions_end_without_a_checksum(path, tmp_path):
    np.savez(tmp_path / "earlier.npz", a=np.arange(3))
    assert is_whole(tmp_path / "earlier.npz")
    assert path.stat().st_size > LENGTH
