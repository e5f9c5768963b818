import json

import pytest

from l2rw.store.checksums import read_result, read_run, verify, with_checksums, write_record
from l2rw.store.errors import UserError

CONTENT = {"error": 0.1 + 0.2, "runs": [{"seed": 0}, (1, 2)], "none": None, "name": "‖∇G‖²"}


@pytest.fixture
def result(tmp_path):
    (tmp_path / "metrics.csv").write_text("seed,error\n0,0.3\n")
    path = tmp_path / "result.json"
    path.write_text(json.dumps(with_checksums(CONTENT, [tmp_path / "metrics.csv"]), indent=1))
    return path


def test_a_result_is_read_as_it_was_written(result):
    content = read_result(result)
    assert content.pop("files").keys() == {"metrics.csv"}
    assert content == json.loads(json.dumps(CONTENT))
    verify(result.with_name("metrics.csv"), result)


@pytest.mark.parametrize(
    ("old", "new"), [("0.30000000000000004", "0.3"), ("seed", "sead"), ("metrics", "mETRICS")]
)
def test_a_changed_result_is_named(result, old, new):
    result.write_text(result.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=rf"{result} is missing, damaged or was changed.* Hint: "):
        read_result(result)


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"sha256": "a"}', "3"])
def test_what_is_no_result_is_named(result, text):
    result.unlink() if text is None else result.write_text(text)
    with pytest.raises(UserError, match=rf"{result} cannot be read as a result.* Hint: "):
        read_result(result)


@pytest.mark.parametrize("text", [None, "", "seed,error\n0,0.4\n"])
def test_a_changed_or_missing_file_is_named(result, text):
    path = result.with_name("metrics.csv")
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(UserError, match=rf"{path} is missing, damaged or was changed"):
        verify(path, result)


def test_a_file_that_the_result_does_not_know_is_refused(result):
    (result.parent / "other.csv").write_text("")
    with pytest.raises(UserError, match=r"other\.csv"):
        verify(result.parent / "other.csv", result)


def test_a_whole_record_of_another_job_is_refused(tmp_path):
    path = tmp_path / "result.json"
    write_record(path, {"cell": {"id": "split/l2rw"}, "runs": [{"seed": 2}, {"seed": 3}]})
    assert read_run(path, "split/l2rw", range(2, 4))["runs"][1] == {"seed": 3}
    with pytest.raises(UserError, match=rf"{path} is of split/l2rw, not of split/gce"):
        read_run(path, "split/gce")
    with pytest.raises(UserError, match=rf"{path} belongs to other seeds than 2\. "):
        read_run(path, "split/l2rw", range(2, 3))
    write_record(path, {"cell": "split/l2rw"})  # of what looks at data
    assert read_run(path, "split/l2rw", range(1))
    with pytest.raises(UserError, match="not of split/gce"):
        read_run(path, "split/gce")
