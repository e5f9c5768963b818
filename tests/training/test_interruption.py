"""Training processes are killed and run again; test_state.py and test_watch.py see the details."""

import json
import re
import signal
import subprocess
import sys
import time
from random import Random

import pytest
from safetensors import safe_open

pytest.importorskip("pydantic", reason="plans are made by the pipeline, which needs pydantic")
from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan

STEPS, PATIENCE = 150, 120


class Training:
    """The process that trains two seeds with L2RW on digits, and its files."""

    def __init__(self, folder, digits, make_split, learning_rate=0.05, **compute):
        figure2 = {
            **{"dataset": "digits", "train_size": 60, "clean_size": 6, "majority_shares": [0.8]},
            **{"methods": ["l2rw"], "seeds": 2},
            "training": {
                **{"model": "lenet_8x8", "steps": STEPS, "evaluations": 4, "batch_size": 8},
                **{"clean_batch_size": 4, "learning_rate": learning_rate},
            },
        }
        compute = {"device": "cpu", "checkpoint_seconds": 0.0, "seeds_per_job": 2} | compute
        raw = {"compute": compute, "experiments": {"figure2": figure2}, "targets": ["figure2"]}
        plan = Plan(parse_config(raw))
        plan.create(folder)
        digits.save(folder / "digits.npz")
        splits = [folder / f"{seed}.npz" for seed in (0, 1)]
        for seed, path in enumerate(splits):
            make_split(seed).save(path)
        self.metrics = folder / "out" / "metrics.csv"
        self.status = folder / "status.json"
        self.checkpoints = folder / "checkpoints"
        (cell,) = plan.cells
        self.command = [
            *(
                sys.executable,
                "-m",
                "l2rw",
                "train",
                "--plan",
                folder / "plan" / plan.file("figure2"),
            ),
            *("--cell", cell, "--seeds", "0-1", "--data", folder / "digits.npz"),
            *("--splits", *splits, "--checkpoints", self.checkpoints),
            *("--status", self.status, "--out", self.metrics.parent),
        ]

    def run(self):
        return subprocess.run(
            self.command, capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def results(self):
        """Return the files that two runs agree on."""
        names = {path.name for path in self.metrics.parent.iterdir()} - {"result.json"}
        assert names == {"metrics.csv", "network.safetensors", "suspects.csv"}
        return {name: (self.metrics.parent / name).read_bytes() for name in names}

    def steps(self):
        """Return the step of each checkpoint."""
        found = {}
        for path in self.checkpoints.glob("seed-*.safetensors"):
            with safe_open(path, framework="pt") as file:
                found[path.stem] = json.loads(file.metadata()["step"])
        return found

    def interrupt(self, number, when):
        """Start, send a signal when a condition holds, and return the exit code."""
        with subprocess.Popen(self.command, stderr=subprocess.DEVNULL) as process:
            give_up = time.monotonic() + PATIENCE
            while not when():
                assert process.poll() is None, "it has ended before the signal"
                assert time.monotonic() < give_up
                time.sleep(0.002)
            process.send_signal(number)
            return process.wait(PATIENCE)


@pytest.fixture
def training(tmp_path, digits, make_split):
    return lambda **options: Training(tmp_path, digits, make_split, **options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, digits, make_split):
    """The results of a job that nobody interrupts."""
    folder = tmp_path_factory.mktemp("undisturbed")
    straight = Training(folder, digits, make_split, checkpoint_seconds=3600)
    done = straight.run()
    assert done.returncode == 0, done.stderr
    return straight.results()


def test_a_job_killed_at_random_moments_ends_as_an_undisturbed_one(training, undisturbed):
    killed = training()
    for moment in (20, STEPS - 10, STEPS + 60):  # with the first seed, or the second
        target = moment + Random(moment).randrange(20)
        code = killed.interrupt(
            signal.SIGKILL, lambda target=target: sum(killed.steps().values()) >= target
        )
        assert code == -signal.SIGKILL
        assert not killed.metrics.exists()
    done = killed.run()
    assert done.returncode == 0, done.stderr
    assert killed.results() == undisturbed
    assert not list(killed.checkpoints.glob("*"))


def test_a_terminated_job_keeps_its_step_and_goes_on_from_it(training, undisturbed):
    terminated = training(checkpoint_seconds=3600)
    steps = []
    for _ in range(2):
        # The status file comes before the first step, but after the handler of the signal.
        code = terminated.interrupt(signal.SIGTERM, terminated.status.exists)
        assert code == 143
        assert not terminated.status.exists()
        steps.append(terminated.steps()["seed-0"])
    assert 0 < steps[0] < steps[1]
    done = terminated.run()
    assert done.returncode == 0, done.stderr
    assert terminated.results() == undisturbed
    assert not list(terminated.checkpoints.glob("*"))


def test_a_diverged_job_says_where_and_keeps_the_checkpoint_before(training):
    diverging = training(learning_rate=1e30)
    done = diverging.run()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    found = re.search(r"l2rw, seed 0, became infinite or NaN at step (\d+)\. Hint: ", line)
    assert found
    assert diverging.steps() == {"seed-0": int(found[1]) - 1}
    assert not diverging.metrics.exists()
