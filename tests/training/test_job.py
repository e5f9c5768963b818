import csv
import json
from dataclasses import asdict

import pytest
import torch

from l2rw.errors import UserError
from l2rw.training.job import choose_device, run_job


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield 1
    torch.set_num_threads(before)


def test_a_job_leaves_the_results_of_all_its_seeds(
    tmp_path, digits, make_split, make_spec, threads
):
    spec = make_spec(method="l2rw")
    cell = {"id": "split/l2rw", "corruption": "imbalance", "training": asdict(spec)}
    cell = json.loads(json.dumps(cell))  # as a plan file holds it
    digits.save(tmp_path / "digits.npz")
    splits = [tmp_path / f"{seed}.npz" for seed in (2, 3, 4)]
    for seed, path in zip((2, 3, 4), splits, strict=True):
        make_split(seed).save(path)
    out, status = tmp_path / "out", tmp_path / "log.status.json"
    run_job(
        compute={"device": "cpu", "stack": 2},
        cell=cell,
        seeds=range(2, 5),
        data=tmp_path / "digits.npz",
        splits=splits,
        out=out,
        status=status,
        threads=threads,
    )
    assert sorted(path.name for path in out.iterdir()) == ["metrics.csv", "result.json"]
    assert not status.exists()

    result = json.loads((out / "result.json").read_text())
    assert result["cell"] == cell
    assert [run["seed"] for run in result["runs"]] == [2, 3, 4]
    for run in result["runs"]:
        (a, b), (c, d) = run["confusion"]
        assert run["test_error"] == pytest.approx((b + c) / (a + b + c + d))
    assert result["made"]["device_type"] == "cpu"
    assert {"commit", "source", "versions", "seconds"} <= set(result["made"])

    with (out / "metrics.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["seed"], line["step"]) for line in lines] == [
        (seed, step) for seed in "234" for step in "36"
    ]
    assert float(lines[-1]["test_error"]) == result["runs"][-1]["test_error"]


def test_devices_are_chosen_by_name():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_gpu_is_told():
    with pytest.raises(UserError, match=r"compute\.device"):
        choose_device("cuda")
