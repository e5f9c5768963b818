import pytest

from l2rw.commands.pipeline import explained_if_absent
from l2rw.store.errors import UserError


def test_an_absent_package_of_the_pipeline_is_told_with_a_hint():
    said = r"No module named 'sklearn'\. Hint: .*\.\[pipeline\]"
    with pytest.raises(UserError, match=said), explained_if_absent():
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn.datasets")


@pytest.mark.parametrize("name", ["l2rw.nonsense", "torch", "yamllint", None])
def test_any_other_module_that_is_absent_is_an_error_of_ours(name):
    with pytest.raises(ModuleNotFoundError), explained_if_absent():
        raise ModuleNotFoundError("No module", name=name)
