import os
from dataclasses import replace

import pytest
import torch
from tests.runs import results_of

from l2rw.training.fleet import Fleet
from l2rw.training.train import run_job


@pytest.fixture
def log(tmp_path):
    """Open a file for what a job says."""
    return lambda name: os.open(tmp_path / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)


def finish(fleet):
    """Let all jobs end; return their outcomes by the names of their output folders."""
    outcomes = {}
    while fleet.members:
        for member, outcome in fleet.turns():
            outcomes[member.job.out.name] = outcome
    return outcomes


@pytest.fixture
def job_of(make_job, make_spec, tmp_path):
    """A job of one seed, in folders of its own."""

    def job_of(method, name):
        job = make_job(make_spec(method), corruption="uniform_flip", seeds=range(2, 3))
        checkpoints = tmp_path / f"{name}-checkpoints"
        return replace(job, out=tmp_path / name, checkpoints=checkpoints, status=None)

    return job_of


def test_jobs_that_train_together_leave_what_each_leaves_alone(tmp_path, log, job_of):
    alone, together = (
        [job_of(method, f"{method}-{which}") for method in ("baseline", "l2rw")]
        for which in ("alone", "together")
    )
    for job in alone:
        run_job(job)
    fleet = Fleet()
    for job in together:
        assert fleet.admits(job)
        fleet.join(job, log(f"{job.out.name}.log"))
    assert {name: outcome.kind for name, outcome in finish(fleet).items()} == {
        "baseline-together": "done",
        "l2rw-together": "done",
    }
    for job, other in zip(together, alone, strict=True):
        assert results_of(job) == results_of(other)


def test_a_job_that_fails_fails_alone(tmp_path, log, job_of):
    good, bad = (job_of("baseline", name) for name in ("good", "bad"))
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"damaged")
    bad = replace(bad, splits=[damaged])
    fleet = Fleet()
    for job in (bad, good):
        fleet.join(job, log(job.out.name + ".log"))
    outcomes = finish(fleet)
    assert outcomes["good"].kind == "done"
    assert outcomes["bad"].kind == "failed"
    assert "damaged.npz" in outcomes["bad"].why
    assert (good.out / "result.json").exists()
    assert not bad.out.exists()


def test_a_job_that_is_stopped_goes_on_from_there(tmp_path, log, job_of, caplog):
    caplog.set_level("INFO", "l2rw")
    job = job_of("l2rw", "stopped")
    fleet = Fleet()
    fleet.join(job, log("first.log"))
    fleet.stop()
    assert finish(fleet)["stopped"].kind == "stopped"
    assert not job.out.exists()
    fleet.join(job, log("second.log"))
    assert finish(fleet)["stopped"].kind == "done"
    assert "continues after step 1" in caplog.text
    straight = job_of("l2rw", "straight")
    run_job(straight)
    assert results_of(job) == results_of(straight)


def test_settings_of_the_process_are_the_same_for_all(tmp_path, log, job_of):
    job = job_of("baseline", "one")
    fleet = Fleet()
    fleet.join(job, log("log"))
    other = replace(job, compute=replace(job.compute, threads=2))
    assert fleet.admits(job)
    assert not fleet.admits(other)
    finish(fleet)
    assert fleet.admits(other)
    torch.set_num_threads(1)
