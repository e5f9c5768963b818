import pandas as pd
import pytest

from l2rw.analysis.metrics import _numbers


@pytest.mark.parametrize("named_by", [["row"], ["dataset", "row"]])
def test_where_nothing_was_measured_there_are_no_numbers(named_by):
    summary = pd.DataFrame({"dataset": ["a", "b"], "row": ["c", "d"], "decay": [float("nan")] * 2})
    assert _numbers(summary, "decay", named_by) == {}
    summary.loc[1, "decay"] = 0.5
    assert list(_numbers(summary, "decay", named_by).values()) == [0.5]
