import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from l2rw.analysis import curves, weights
from l2rw.analysis.collect import collect, read_table, write_table
from l2rw.store.checksums import write_record
from l2rw.store.errors import UserError


def test_every_run_is_a_line_with_its_setting(plan, runs):
    table = collect(plan, runs)
    assert len(table) == 4 * 3
    for i, cell in enumerate(plan.cells):
        lines = table[table["cell"] == cell.id]
        assert list(lines["seed"]) == [0, 1, 2]
        assert list(lines["test_error"]) == [i / 100, (i + 1) / 100, (i + 2) / 100]
        assert set(lines["majority_share"]) == {cell.setting["majority_share"]}
        assert set(lines["row"]) == {cell.setting["row"]}


def test_seeds_that_the_plan_does_not_ask_for_are_left_out(plan, runs):
    fewer = replace(plan, seeds=(0, 2))
    assert sorted(set(collect(fewer, runs)["seed"])) == [0, 2]


def test_names_that_look_like_numbers_or_nothing_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "table.csv"
    table = pd.DataFrame(
        {
            "dataset": ["null", "inf", "nan"],
            "source": ["7980766e9619", "000000000012", None],
            "commit": [None, "1" * 40, "12e4"],
            "test_error": [0.1, math.nan, math.inf],
        }
    )
    write_table(table, path)
    write_record(path.with_suffix(".json"), {}, [path])
    pd.testing.assert_frame_equal(read_table(path), table, check_dtype=False)


def test_a_missing_result_is_named(plan, runs, path_of):
    path_of(1, "2").unlink()
    with pytest.raises(UserError, match=rf"{path_of(1, '2')}.* Hint: .*{path_of(1, '2').parent}"):
        collect(plan, runs)


@pytest.mark.parametrize("content", [b"", b'{"cell": {"id": ', b"\xff\xfe\x00"])
def test_a_damaged_result_is_named(plan, runs, path_of, content):
    path_of(1, "2").write_bytes(content)
    with pytest.raises(UserError, match=str(path_of(1, "2"))):
        collect(plan, runs)


def test_a_result_that_somebody_changed_is_named(plan, runs, path_of):
    path = path_of(1, "2")
    path.write_text(path.read_text().replace('"test_error": 0.0', '"test_error": 0.1'))
    with pytest.raises(UserError, match=rf"{path} is missing, damaged or was changed"):
        collect(plan, runs)


def test_a_result_in_the_wrong_place_is_named(plan, runs, path_of):
    path_of(1, "2").write_bytes(path_of(0, "2").read_bytes())
    with pytest.raises(UserError) as refusal:
        collect(plan, runs)
    for named in (path_of(1, "2"), plan.cells[0].id, plan.cells[1].id):
        assert str(named) in str(refusal.value)


def test_a_result_without_a_wanted_seed_is_told(plan, runs, path_of, reseal):
    result = json.loads(path_of(1, "0-1").read_text())
    reseal(path_of(1, "0-1").parent, runs=result["runs"][:1])
    with pytest.raises(UserError, match=rf"{plan.cells[1].id} has no result for seed 1"):
        collect(plan, runs)


def test_figures_that_only_some_runs_have_are_empty_for_the_others(make_up):
    def result(setting, seed):
        return {"validation_error": 0.25, "weight_auc": 0.75 if seed else None}

    table = collect(*make_up("figure5", [{"noise": 0.1, "row": "l2rw"}], 2, result))
    assert list(table["validation_error"]) == [0.25, 0.25]
    assert math.isnan(table["weight_auc"][0])
    assert table["weight_auc"][1] == 0.75


PROBE = "seed,panel,batch,image,clean,weight\n0,mixed,0,7,True,1.5\n"
METRICS = "seed,step,learning_rate,train_error,validation_error,test_error\n0,10,0.1,0.2,,0.5\n"


@pytest.fixture(params=[(weights, "probe.csv", PROBE), (curves, "metrics.csv", METRICS)])
def of_file(request, make_up, reseal):
    """Return what collects a file that jobs leave, the file, and its content."""
    drawing, name, content = request.param
    plan, runs = make_up("figure", [{"row": "l2rw"}], seeds=1)
    path = runs / "split/0/seed-0" / name
    path.write_text(content)
    reseal(path.parent)
    return lambda: drawing.collect(plan, runs), path, content


def test_a_file_of_a_job_is_read(of_file):
    collected, _, _ = of_file
    assert collected().loc[0, ["row", "seed", "device"]].tolist() == ["l2rw", 0, "cpu"]


def test_a_missing_file_of_a_job_is_named(of_file):
    collected, path, _ = of_file
    path.unlink()
    with pytest.raises(UserError, match=rf"{path} is missing, .* Hint: delete {path.parent} and"):
        collected()


@pytest.mark.parametrize("content", [b"", b"seed,step\n0,1\n", b"\xff\xfe\x00"])
def test_a_damaged_file_of_a_job_is_named(of_file, content, reseal):
    collected, path, _ = of_file
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{path} is missing, damaged or was changed"):
        collected()
    reseal(path.parent)
    with pytest.raises(UserError, match=rf"{path} cannot be read as a table"):
        collected()


def test_words_where_numbers_should_be_are_damage(of_file, reseal):
    collected, path, content = of_file
    path.write_text(content.replace("\n0,", "\nnone,"))
    reseal(path.parent)
    with pytest.raises(UserError, match=rf"{path} cannot be read as a table"):
        collected()


def test_a_file_without_a_wanted_seed_is_told(of_file, reseal):
    collected, path, content = of_file
    path.write_text(content.replace("\n0,", "\n1,"))
    reseal(path.parent)
    with pytest.raises(UserError, match=rf"{path} has no line for seed 0"):
        collected()


def test_lines_of_seeds_that_the_plan_does_not_ask_for_are_left_out(of_file, reseal):
    collected, path, content = of_file
    path.write_text(content + content.splitlines()[1].replace("0,", "1,", 1) + "\n")
    reseal(path.parent)
    assert list(collected()["seed"]) == [0]


def test_tables_lose_no_digit_on_file(tmp_path):
    table = pd.DataFrame({"x": [0.1 + 0.2, 1 / 3, 0.995], "method": ["a", "b", "c, d"]})
    write_table(table, tmp_path / "table.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), table, check_exact=True)
    assert b"\r" not in (tmp_path / "table.csv").read_bytes()
