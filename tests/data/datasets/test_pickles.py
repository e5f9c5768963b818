import io
import pickle
import re
import subprocess
import sys
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.cifar import pickled

from l2rw.data.datasets.pickles import load_pickle
from l2rw.store.errors import UserError

VALUES = {
    b"data": np.arange(12, dtype=np.uint8).reshape(3, 4),
    b"columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    b"big-endian": np.arange(3, dtype=">i4"),
    b"empty": np.zeros((0, 2), np.int64),
    b"texts": np.array(["a", "bc"]),
    b"plain": [1, 2.5, None, True, (b"\xff\x00", "text"), {3, 4}, frozenset([5])],
}


def load(content):
    return load_pickle(io.BytesIO(content), "the file")


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("former_name", [False, True])
def test_arrays_and_plain_values_are_read(protocol, former_name):
    content = pickle.dumps(VALUES, protocol=protocol)
    trusted = pickle.loads(content)
    if former_name and protocol == 3:  # later protocols tell the length of a name
        content = content.replace(b"cnumpy._core.", b"cnumpy.core.")
    values = load(content)
    assert list(values) == list(trusted)
    for key, expected in trusted.items():
        if isinstance(expected, np.ndarray):
            assert values[key].dtype == expected.dtype
            assert np.array_equal(values[key], expected)
        else:
            assert values[key] == expected


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_byte_strings_that_python_3_wrote_for_python_2_are_read(protocol):
    array = np.arange(256, dtype=np.uint8)
    values = load(pickle.dumps({"data": array, "bytes": b"\xff\x00a"}, protocol=protocol))
    assert np.array_equal(values["data"], array)
    assert values["bytes"] == b"\xff\x00a"


def test_a_pickle_of_python_2_is_read():
    values = load(pickled({b"data": VALUES[b"data"], b"labels": [1, 2]}))
    assert np.array_equal(values[b"data"], VALUES[b"data"])
    assert values[b"labels"] == [1, 2]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"cposix\nsystem\n(S'true'\ntR.", "posix.system"),
        (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
        (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"cbuiltins\nbytearray\n(I9999999999999\ntR.", "builtins.bytearray"),
        (b"cnumpy\nload\n.", "numpy.load"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "numpy.core.multiarray.fromfile"),
        (b"c_codecs\ndecode\n.", "_codecs.decode"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "numpy.ndarray.dump"),
        (pickle.dumps(Fraction(1, 2)), "fractions.Fraction"),
        (pickle.dumps(OrderedDict(a=1)), "collections.OrderedDict"),
        (pickle.dumps({b"data": np.array([Path("x")], dtype=object)}), "pathlib"),
        (pickle.dumps(subprocess.run), "subprocess.run"),
    ],
)
def test_whatever_else_is_refused_by_file_and_name(content, named):
    with pytest.raises(UserError, match=rf"^the file is refused.*{re.escape(named)}.* Hint: "):
        load(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        pickle.dumps(VALUES)[:-40],
        b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
        b"cnumpy\ndtype\n(Vnonsense\ntR.",
        b"cnumpy\nndarray\n(I-1\ntR.",
    ],
)
def test_damage_is_told_by_the_name_of_the_file(content):
    with pytest.raises(UserError, match=r"^the file is damaged or not a pickle of arrays"):
        load(content)


def test_readers_need_neither_torch_nor_what_is_optional():
    script = "import sys, l2rw.data.datasets.sources; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"torch", "torchvision", "PIL", "pyarrow", "sklearn"} & set(loaded)
