"""Errors that a user can correct."""

from hypothesis import example, given
from hypothesis import strategies as st

from l2rw.store.errors import UserError, parts


@given(st.text(), st.text())
@example("a\nb", "c\x0b\u2028d")
def test_the_message_is_one_line_whatever_it_quotes(problem, hint):
    assert len(str(UserError(f"No {problem}.", f"see {hint}.")).splitlines()) == 1


def test_the_message_says_what_to_do():
    error = UserError("There is no file  x.", "correct its name.")
    assert str(error) == "There is no file  x. Hint: correct its name."
    assert parts(error) == ("There is no file  x.", "correct its name.")
