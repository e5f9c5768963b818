import csv
import json
import signal
from collections import Counter
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tests.runs import results_of

from l2rw.store.errors import UserError
from l2rw.training import train as job_module
from l2rw.training.cell_entry import CellEntry
from l2rw.training.checkpoints import Monitor
from l2rw.training.device import choose_device, set_up_torch
from l2rw.training.train import run_job


@pytest.fixture
def job(make_job, make_spec):
    return make_job(make_spec(method="l2rw"))


def test_a_job_leaves_the_results_of_all_its_seeds_and_nothing_else(job):
    run_job(job)
    assert {path.name for path in job.out.iterdir()} == {
        "metrics.csv",
        "network.safetensors",
        "result.json",
        "suspects.csv",
    }
    assert not job.status.exists()
    assert not list(job.checkpoints.iterdir())

    result = json.loads((job.out / "result.json").read_text())
    assert CellEntry.from_json(result["cell"]) == job.cell
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

    with (job.out / "suspects.csv").open() as file:
        assert Counter(line["seed"] for line in csv.DictReader(file)) == dict.fromkeys("234", 54)


@pytest.mark.parametrize(
    ("method", "corruption", "seed", "step"),
    [
        ("l2rw", "imbalance", 2, 4),
        ("l2rw", "imbalance", 2, 6),
        ("l2rw", "imbalance", 4, 1),
        ("s_model", "background_flip", 4, 4),
    ],
)
def test_a_terminated_job_goes_on_where_it_was(
    make_job, make_spec, tmp_path, monkeypatch, method, corruption, seed, step
):
    job = make_job(make_spec(method=method), corruption)
    straight = replace(job, out=tmp_path / "straight", checkpoints=tmp_path / "others")
    run_job(straight)

    class TerminatedMonitor(Monitor):
        def __call__(self, state):
            if self._before == (6 if seed == 4 else 0) and state.step == step:
                signal.raise_signal(signal.SIGTERM)
            super().__call__(state)

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "Monitor", TerminatedMonitor)
        with pytest.raises(SystemExit):
            run_job(job)
    assert not job.out.exists()
    assert not job.status.exists()
    assert list(job.checkpoints.iterdir())

    steps = []

    class CountingMonitor(Monitor):
        def __call__(self, state):
            steps.append(state.step)
            super().__call__(state)

    monkeypatch.setattr(job_module, "Monitor", CountingMonitor)
    run_job(job)
    assert len(steps) == 12 - step - (6 if seed == 4 else 0)
    assert results_of(job) == results_of(straight)
    assert not list(job.checkpoints.iterdir())


def test_seeds_of_networks_with_dropout_are_trained_one_by_one(job):
    spec = replace(job.spec, model="wrn_8x8", steps=2)
    run_job(replace(job, cell=replace(job.cell, spec=spec)))
    result = json.loads((job.out / "result.json").read_text())
    assert result["made"]["stack"] == 1
    assert [run["seed"] for run in result["runs"]] == [2, 3, 4]


def test_the_checkpoint_of_another_cell_is_refused(job, monkeypatch):
    class TerminatedMonitor(Monitor):
        def __call__(self, state):
            signal.raise_signal(signal.SIGTERM)
            super().__call__(state)

    with monkeypatch.context() as patch:
        patch.setattr(job_module, "Monitor", TerminatedMonitor)
        with pytest.raises(SystemExit):
            run_job(job)
    with pytest.raises(UserError, match="other/cell"):
        run_job(replace(job, cell=replace(job.cell, id="other/cell")))


def networks(job):
    """The trained networks of a job: tensors by seed and name."""
    return load_file(job.out / "network.safetensors")


def test_a_job_takes_the_networks_of_its_seeds_from_the_jobs_it_waits_for(make_job, make_spec):
    baselines = [
        make_job(make_spec(), "uniform_flip", range(2, 4)),
        make_job(make_spec(), "uniform_flip", range(4, 5)),
    ]
    s_model = make_job(make_spec(method="s_model_conf"), "uniform_flip", parents=baselines)
    # Steps so short that they change nothing.
    spec = make_spec(method="clean_only", learning_rate=1e-30, steps=2)
    fine_tuned = make_job(replace(spec, fine_tunes=True), "uniform_flip", parents=[s_model])
    for job in (*baselines, s_model, fine_tuned):
        run_job(job)
    before, after = networks(s_model), networks(fine_tuned)
    own = {f"{seed}/method.noise_layer" for seed in "234"}
    assert before.keys() - after.keys() == own
    assert after.keys() <= before.keys()
    for name, tensor in after.items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=1e-20)
    result, _ = results_of(fine_tuned)
    assert [run["seed"] for run in result["runs"]] == [2, 3, 4]
    assert {run["weight_auc"] for run in result["runs"]} == {None}

    without_seed_4 = make_job(
        make_spec(method="s_model_conf"), "uniform_flip", parents=baselines[:1]
    )
    with pytest.raises(UserError, match="seed 4"):
        run_job(without_seed_4)


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
