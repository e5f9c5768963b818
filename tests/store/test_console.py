"""A reader that goes away is told to whoever ends the command; rich would end it with code 1."""

from io import StringIO

import pytest

from l2rw.store.console import Console


class Closed(StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_a_closed_pipe_is_an_error_like_any_other():
    with pytest.raises(BrokenPipeError):
        Console(file=Closed()).print("a line")
