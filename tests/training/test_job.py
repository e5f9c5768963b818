import csv
import json
import signal
from dataclasses import asdict, replace

import pytest
import torch

from l2rw.config import Compute
from l2rw.errors import UserError
from l2rw.training import job as job_module
from l2rw.training.device import choose_device, set_up_torch
from l2rw.training.job import Job, run_job
from l2rw.training.watch import Watch


@pytest.fixture
def settings_of_the_process():
    """Puts back what a job sets in PyTorch."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = torch.get_num_threads(), matmul.allow_tf32, cudnn.allow_tf32
    yield
    threads, matmul.allow_tf32, cudnn.allow_tf32 = before
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def job(settings_of_the_process, tmp_path, digits, make_split, make_spec):
    """Three seeds in stacks of two."""
    spec = asdict(make_spec(method="l2rw"))
    digits.save(tmp_path / "digits.npz")
    splits = [tmp_path / f"{seed}.npz" for seed in (2, 3, 4)]
    for seed, path in zip((2, 3, 4), splits, strict=True):
        make_split(seed).save(path)
    cell = {"id": "split/l2rw", "corruption": "imbalance", "training": spec}
    return Job(
        cell=json.loads(json.dumps(cell)),  # as a plan file holds it
        compute=Compute(device="cpu", stack=2).model_dump(),
        seeds=range(2, 5),
        data=tmp_path / "digits.npz",
        splits=splits,
        out=tmp_path / "out",
        checkpoints=tmp_path / "checkpoints",
        status=tmp_path / "log.status.json",
    )


def results_of(job):
    """What a job computed, without how it was made."""
    result = json.loads((job.out / "result.json").read_text())
    del result["made"]
    return result, (job.out / "metrics.csv").read_bytes()


def test_a_job_leaves_the_results_of_all_its_seeds_and_nothing_else(job):
    run_job(job)
    assert sorted(path.name for path in job.out.iterdir()) == ["metrics.csv", "result.json"]
    assert not job.status.exists()
    assert not list(job.checkpoints.iterdir())

    result = json.loads((job.out / "result.json").read_text())
    assert result["cell"] == job.cell
    assert [run["seed"] for run in result["runs"]] == [2, 3, 4]
    for run in result["runs"]:
        (a, b), (c, d) = run["confusion"]
        assert run["test_error"] == pytest.approx((b + c) / (a + b + c + d))
    assert result["made"]["device_type"] == "cpu"
    assert {"commit", "source", "versions", "seconds"} <= set(result["made"])
    assert (result["made"]["stack"], result["made"]["precision"]) == (2, "float32")

    with (job.out / "metrics.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["seed"], line["step"]) for line in lines] == [
        (seed, step) for seed in "234" for step in "36"
    ]
    assert float(lines[-1]["test_error"]) == result["runs"][-1]["test_error"]


@pytest.mark.parametrize(("seed", "step"), [(2, 4), (2, 6), (4, 1)])
def test_a_terminated_job_goes_on_where_it_was(job, tmp_path, monkeypatch, seed, step):
    straight = replace(job, out=tmp_path / "straight", checkpoints=tmp_path / "others")
    run_job(straight)

    class TerminatedWatch(Watch):
        def __call__(self, state):
            if self._before == (6 if seed == 4 else 0) and state.step == step:
                signal.raise_signal(signal.SIGTERM)
            super().__call__(state)

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "Watch", TerminatedWatch)
        with pytest.raises(SystemExit):
            run_job(job)
    assert not job.out.exists()
    assert not job.status.exists()
    assert list(job.checkpoints.iterdir())

    steps = []

    class CountingWatch(Watch):
        def __call__(self, state):
            steps.append(state.step)
            super().__call__(state)

    monkeypatch.setattr(job_module, "Watch", CountingWatch)
    run_job(job)
    assert len(steps) == 12 - step - (6 if seed == 4 else 0)
    assert results_of(job) == results_of(straight)
    assert not list(job.checkpoints.iterdir())


def test_seeds_of_networks_with_dropout_are_trained_one_by_one(job):
    cell = job.cell | {"training": job.cell["training"] | {"model": "wrn_8x8", "steps": 2}}
    run_job(replace(job, cell=cell))
    result = json.loads((job.out / "result.json").read_text())
    assert result["made"]["stack"] == 1
    assert [run["seed"] for run in result["runs"]] == [2, 3, 4]


def test_the_checkpoint_of_another_cell_is_refused(job, monkeypatch):
    class TerminatedWatch(Watch):
        def __call__(self, state):
            signal.raise_signal(signal.SIGTERM)
            super().__call__(state)

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "Watch", TerminatedWatch)
        with pytest.raises(SystemExit):
            run_job(job)
    with pytest.raises(UserError, match="other/cell"):
        run_job(replace(job, cell=job.cell | {"id": "other/cell"}))


def test_devices_are_chosen_by_name():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_gpu_is_told():
    with pytest.raises(UserError, match=r"compute\.device"):
        choose_device("cuda")


@pytest.mark.parametrize(("precision", "tf32"), [("float32", False), ("tf32", True)])
def test_precision_and_determinism_are_set_for_the_process(
    settings_of_the_process, monkeypatch, precision, tf32
):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not tf32
    set_up_torch(precision, threads=1, deterministic=True)
    assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == tf32
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 1
