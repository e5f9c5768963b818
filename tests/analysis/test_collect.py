import json

import pandas as pd
import pytest

from l2rw.analysis.collect import collect, write_csv
from l2rw.errors import UserError


def test_every_run_is_a_line_with_its_setting(plan, runs):
    table = collect(plan, runs)
    assert len(table) == 4 * 3
    for i, cell in enumerate(plan["cells"]):
        lines = table[table["cell"] == cell["id"]]
        assert list(lines["seed"]) == [0, 1, 2]
        assert list(lines["test_error"]) == [i / 100, (i + 1) / 100, (i + 2) / 100]
        assert set(lines["majority_share"]) == {cell["setting"]["majority_share"]}
        assert set(lines["method"]) == {cell["setting"]["method"]}


def test_seeds_that_the_plan_does_not_ask_for_are_left_out(plan, runs):
    plan["seeds"] = [0, 2]
    assert sorted(set(collect(plan, runs)["seed"])) == [0, 2]


def test_a_missing_result_is_named(plan, runs, path_of):
    path_of(1, "2").unlink()
    with pytest.raises(UserError, match=rf"{path_of(1, '2')}.* Hint: .*{path_of(1, '2').parent}"):
        collect(plan, runs)


@pytest.mark.parametrize("content", [b"", b'{"cell": {"id": ', b"\xff\xfe\x00"])
def test_a_damaged_result_is_named(plan, runs, path_of, content):
    path_of(1, "2").write_bytes(content)
    with pytest.raises(UserError, match=str(path_of(1, "2"))):
        collect(plan, runs)


def test_a_result_in_the_wrong_place_is_named(plan, runs, path_of):
    path_of(1, "2").write_bytes(path_of(0, "2").read_bytes())
    with pytest.raises(UserError) as refusal:
        collect(plan, runs)
    for named in (path_of(1, "2"), plan["cells"][0]["id"], plan["cells"][1]["id"]):
        assert str(named) in str(refusal.value)


def test_a_result_without_a_wanted_seed_is_told(plan, runs, path_of):
    result = json.loads(path_of(1, "0-1").read_text())
    del result["runs"][1]
    path_of(1, "0-1").write_text(json.dumps(result))
    with pytest.raises(UserError, match=rf"{plan['cells'][1]['id']} has no result for seed 1"):
        collect(plan, runs)


def test_tables_lose_no_digit_on_file(tmp_path):
    table = pd.DataFrame({"x": [0.1 + 0.2, 1 / 3, 0.995], "method": ["a", "b", "c, d"]})
    write_csv(table, tmp_path / "table.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), table, check_exact=True)
    assert b"\r" not in (tmp_path / "table.csv").read_bytes()
