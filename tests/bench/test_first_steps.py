import json
from dataclasses import fields, replace

import pytest
from tests.plans import COMPUTE, made_up_cell

from l2rw.bench.first_steps import bench_run
from l2rw.data.datasets.facts import Facts
from l2rw.store.errors import UserError


@pytest.fixture
def run(tmp_path, digits, make_split, make_spec, corruptions):
    """Time the first steps of a short run; return what was written."""
    make_split(0).save(tmp_path / "split.npz")

    def run(data=digits, steps=40):
        data.save(tmp_path / "data.npz")
        cell = made_up_cell(
            "split/l2rw", {}, spec=make_spec(method="l2rw"), corruption=corruptions["imbalance"]
        )
        files = tmp_path / "data.npz", tmp_path / "split.npz"
        bench_run(cell, COMPUTE, 0, *files, steps, tmp_path / "bench.json")
        return json.loads((tmp_path / "bench.json").read_text())

    return run


def test_all_steps_are_timed_beside_as_many_of_plain_sgd(run, capsys):
    report = run(steps=40)
    assert sum(turn["steps"] for turn in report["turns"]) >= 40  # a turn takes a moment
    assert all(turn["ms"] > 0 and turn["sgd_ms"] > 0 for turn in report["turns"])
    assert all(0 <= turn["zero_weights"] <= 1 for turn in report["turns"])
    assert report["algorithm"] == "layer-wise"
    assert capsys.readouterr().out.splitlines()[-1].split()[0] == "all"


def test_images_of_another_size_than_plain_sgd_trains_on_are_refused(run, digits):
    facts = {field.name: getattr(digits.info, field.name) for field in fields(Facts)}
    wide = replace(digits, measured=Facts(**facts | {"image_shape": (1, 8, 16)}))
    with pytest.raises(UserError, match=r"8×8.*Hint: "):
        run(wide)
