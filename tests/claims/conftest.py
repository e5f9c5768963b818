"""Claims are judged on tables: fixtures that make some up."""

from tests.analysis.conftest import _close_figures, make_up, make_up_in, plan

__all__ = ["_close_figures", "make_up", "make_up_in", "plan"]
