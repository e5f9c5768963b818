import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from tests.runs import results_of

from l2rw.training import workers
from l2rw.training.train import run_job

TRAIN = "import pickle, sys; from l2rw.training.workers import train_by_worker; "
TRAIN += "print(train_by_worker(pickle.load(open(sys.argv[1], 'rb')), None).kind)"


@pytest.fixture
def leader(monkeypatch, tmp_path):
    """A workflow of its own; its workers are ended."""
    name = f"test-{os.getpid()}-{tmp_path.name}"
    monkeypatch.setenv(workers.LEADER, name)
    yield name
    for process in running(name):
        os.kill(process, signal.SIGKILL)


def running(leader):
    """Return the processes of the workers of a workflow."""
    command = ["pgrep", "-f", f"l2rw.training.workers .*/{leader}-"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.fixture
def job_of(make_job, make_spec, tmp_path):
    """A job of one seed, in folders of its own."""

    def job_of(name, **changes):
        job = make_job(make_spec("l2rw", **changes), seeds=range(2, 3))
        checkpoints = tmp_path / f"{name}-checkpoints"
        return replace(job, out=tmp_path / name, checkpoints=checkpoints, status=None)

    return job_of


def start(job, tmp_path):
    """Start a process that has a job trained."""
    import pickle

    path = tmp_path / f"{job.out.name}.pickle"
    path.write_bytes(pickle.dumps(job))
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(look):
    until = time.monotonic() + 60
    while not look():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_jobs_share_a_worker_and_are_those_of_each_alone(leader, job_of, tmp_path):
    first, second, alone = (job_of(name) for name in ("first", "second", "alone"))
    assert workers.train_by_worker(first, None).kind == "done"
    (process,) = running(leader)
    assert workers.train_by_worker(second, None).kind == "done"
    assert running(leader) == [process]
    run_job(alone)
    assert results_of(first) == results_of(second) == results_of(alone)


def test_jobs_at_the_same_time_have_workers_of_their_own(leader, job_of, tmp_path):
    processes = [start(job_of(name), tmp_path) for name in ("one", "other")]
    assert [p.communicate()[0] for p in processes] == [b"done\n", b"done\n"]
    assert len(running(leader)) == 2


def test_a_failure_is_told_where_the_job_is(leader, job_of, tmp_path):
    job = job_of("bad")
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"damaged")
    process = start(replace(job, splits=[damaged]), tmp_path)
    out, err = process.communicate()
    assert out == b"failed\n"
    assert b"Error: " in err
    assert b"damaged.npz" in err
    assert not job.out.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_told_to_end_leaves_a_checkpoint(leader, job_of, tmp_path, number):
    job = job_of("long", steps=100_000, evaluations=1)
    job = replace(job, compute=replace(job.compute, checkpoint_seconds=0.0))
    process = start(job, tmp_path)
    path = job.checkpoints / "seed-2.safetensors"
    wait_for(path.exists)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert path.exists()
    assert not job.out.exists()


def test_a_job_goes_on_after_its_worker_died(leader, job_of, tmp_path):
    job = job_of("lost", steps=2000, evaluations=1)
    job = replace(job, compute=replace(job.compute, checkpoint_seconds=0.0))
    process = start(job, tmp_path)
    wait_for((job.checkpoints / "seed-2.safetensors").exists)
    (worker,) = running(leader)
    os.kill(worker, signal.SIGKILL)
    assert process.communicate(timeout=60)[0] == b"died\n"
    assert workers.train_by_worker(job, None).kind == "done"
    assert (job.out / "result.json").exists()


def test_a_worker_ends_when_nobody_needs_it(leader, job_of, monkeypatch):
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.5)
    assert workers.train_by_worker(job_of("only"), None).kind == "done"
    wait_for(lambda: not running(leader))
    folder = workers.folder()
    assert not list(folder.glob(f"{leader}-*[0-9]"))
