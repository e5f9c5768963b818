import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from l2rw.away.checkpoints import read_header
from l2rw.away.jobs import read_jobs, select
from l2rw.away.run_for import Deadline
from l2rw.commands.main import main
from l2rw.store.errors import UserError
from l2rw.store.paths import RUN_FILES
from l2rw.store.sealed_tensors import write_sealed
from l2rw.training.plan_file import read_plan

from .conftest import with_parent, write_plan

pytestmark = pytest.mark.slow
PATIENCE = 120


def run_for(minutes, plan, *options):
    return main(["run-for", str(minutes), os.fspath(plan), *map(str, options)])


def start(plan, *options):
    command = [sys.executable, "-m", "l2rw", "run-for", "5", os.fspath(plan), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def jobs_of(plan):
    return select(read_jobs([read_plan(plan)], {}))


def wait_until(condition, process):
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_all_that_plans_ask_for_is_trained_as_the_workflow_would(lent, capsys):
    plan = write_plan()
    assert run_for(5, plan, "--jobs", 2) == 0
    jobs = jobs_of(plan)
    assert len(jobs) == 6
    for job in jobs:
        assert {path.name for path in job.out.iterdir()} == set(RUN_FILES)
        assert not job.kept_checkpoints()
        assert "step 4/4" in job.log.read_text()
    told = capsys.readouterr().out
    assert len(re.findall(r"done +\S+ seed \d: error [\d.]+ %, [\d.]+ steps/s", told)) == 6
    assert told.count("  2 /   2  tiny") == 3
    # By `l2rw train`, in a process of its own, from the same files.
    job = next(job for job in jobs if job.parents)
    alone = ["train", "--plan", plan, "--cell", job.id, "--seeds", job.seeds[0], "--out", "alone"]
    where = ["--data", job.data, "--splits", *job.splits, "--checkpoints", "elsewhere"]
    assert main([*map(str, [*alone, *where, "--parents", *job.networks])]) == 0
    for name in RUN_FILES[:-1]:
        assert (job.out / name).read_bytes() == Path("alone", name).read_bytes()
    # All is done: no process is started.
    assert run_for(5, plan) == 0
    assert "0 jobs to train, 6 done before" in capsys.readouterr().out


def test_a_run_that_fails_fails_alone_and_is_named_last(lent, capsys):
    plan = with_parent(write_plan(seeds=1), learning_rate=1e30)
    (broken,) = read_plan(plan).parents
    with pytest.raises(SystemExit) as ended:
        run_for(5, plan)
    assert ended.value.code == 1
    told = capsys.readouterr().out
    first, second = [line for line in told.splitlines()[-2:] if "FAILED: " in line]
    assert f"{broken.id} seed 0: Training of baseline, seed 0, became infinite or NaN" in first
    assert f"skipped, because {broken.id} seed 0 failed" in second
    assert [job.id.split("/")[1][:4] for job in jobs_of(plan) if job.is_done] == ["l2rw"]


def test_an_unforeseen_error_comes_with_its_traceback_and_the_next_runs_go_on(lent, capsys):
    plan = write_plan(seeds=1)
    jobs = jobs_of(plan)
    checkpoint = jobs[0].checkpoints / "seed-0.safetensors"
    checkpoint.parent.mkdir(parents=True)
    write_sealed(checkpoint, {}, {"no": "checkpoint"})
    with pytest.raises(SystemExit):
        run_for(5, plan)
    told = capsys.readouterr().out
    assert f"FAILED: {jobs[0].name}: KeyError: " in told
    assert "Traceback (most recent call last)" in told
    assert [job.is_done for job in jobs] == [False, False, True]


def test_a_run_whose_data_is_absent_fails_alone(lent, monkeypatch, capsys):
    monkeypatch.delenv("L2RW_DATA", raising=False)
    plan = with_parent(write_plan(seeds=1), dataset="mnist")
    with pytest.raises(SystemExit):
        run_for(5, plan, "--root", lent)
    assert "seed 0: Data set 'mnist' is incomplete" in capsys.readouterr().out
    assert [job.is_done for job in jobs_of(plan)] == [False, False, True]


def test_the_deadline_leaves_checkpoints_that_the_next_call_goes_on_from(lent, capsys, monkeypatch):
    plan = write_plan(steps=100_000, seeds=2)
    job, other = select(jobs_of(plan), only=["l2rw"])
    # The time is up as soon as training has begun, however long that takes here.
    monkeypatch.setattr(
        Deadline, "stop", property(lambda own: 0.0 if job.status.exists() else own.end)
    )
    assert run_for(5, plan, "--only", "l2rw", "--pack", "out") == 0
    told = capsys.readouterr().out
    assert "asks jobs to stop" in told
    assert "not started: 1 jobs" in told
    assert not other.log.exists()
    monkeypatch.undo()
    monkeypatch.chdir(lent)
    (checkpoint,) = job.kept_checkpoints()
    step = read_header(checkpoint).step
    assert step > 0
    assert f"cut: {job.name} (seed-0 after step {step} of 100000)" in told
    assert Path("out/part-1.tar.gz").exists()
    # A slow machine has time to finish its first step.
    with start(plan, "--only", "l2rw", "--margin", "200") as process:
        wait_until(lambda: f"continues after step {step}" in job.log.read_text(), process)
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert f"starts  {job.name} (seed-0 after step {step} of 100000)" in said
    assert read_header(checkpoint).step > step


def test_a_worker_that_is_killed_costs_its_run_alone(lent):
    plan = with_parent(write_plan(seeds=1), steps=100_000)
    job = jobs_of(plan)[0]
    with start(plan) as process:
        wait_until(job.status.exists, process)
        os.kill(json.loads(job.status.read_text())["pid"], signal.SIGKILL)
        said = process.stdout.read()
        assert process.wait(PATIENCE) == 1
    assert f"FAILED: {job.name}: its process ended with exit code -9." in said
    assert [job.is_done for job in jobs_of(plan)] == [False, False, True]


def test_a_worker_that_does_not_stop_in_time_is_killed_and_the_command_ends(lent):
    plan = write_plan(steps=100_000, seeds=1)
    job = jobs_of(plan)[0]
    with start(plan, "--only", "l2rw", "--margin", "4") as process:
        wait_until(lambda: any(path.exists() for path in statuses(plan)), process)
        (status,) = (path for path in statuses(plan) if path.exists())
        os.kill(json.loads(status.read_text())["pid"], signal.SIGSTOP)
        process.send_signal(signal.SIGINT)  # counts as the deadline
        said = process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert "stopped" in said
    assert "no checkpoint" in said
    assert not job.is_done


def statuses(plan):
    return [job.status for job in jobs_of(plan)]


def test_arguments_that_cannot_be_met_are_refused(lent, capsys):
    plan = write_plan()
    assert run_for(5, plan, "--margin", 296) == 2
    assert "leaves no time to train" in capsys.readouterr().err
    assert run_for(5, plan, "--only", "nobody") == 2
    assert "No cell of the plans contains 'nobody'" in capsys.readouterr().err


def test_a_deadline_is_over_before_its_end():
    deadline = Deadline.after(60, 20)
    assert deadline.end - deadline.stop == pytest.approx(20)
    assert deadline.end - deadline.kill == pytest.approx(10)
    for seconds, margin in ((60, 58), (60, -1), (2, 0)):
        with pytest.raises(UserError, match="no time to train"):
            Deadline.after(seconds, margin)
