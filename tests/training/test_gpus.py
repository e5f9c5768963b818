import os
import subprocess
import sys
import time

import pytest

from l2rw.training.gpus import VISIBLE, count_slots, gpu_slot, visible_gpus

A, B, C = "GPU-aaaa", "GPU-bbbb", "GPU-cccc"

HOLD = """
import os, sys, time
from l2rw.training.gpus import gpu_slot
with gpu_slot(int(sys.argv[2])) as gpu:
    assert os.environ["CUDA_VISIBLE_DEVICES"] == gpu
    with open(sys.argv[1], "a") as log:  # short lines are appended whole
        log.write(f"+ {gpu}\\n")
        log.flush()
        time.sleep(float(sys.argv[3]))
        log.write(f"- {gpu}\\n")
"""


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """Return a function that pretends that this machine has some GPUs, and nobody holds them."""
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def pretend(*uuids):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\nprintf '{''.join(uuid + chr(92) + 'n' for uuid in uuids)}'\n")
        tool.chmod(0o755)

    return pretend


def hold(log, jobs_per_gpu, seconds):
    arguments = [str(log), str(jobs_per_gpu), str(seconds)]
    return subprocess.Popen([sys.executable, "-c", HOLD, *arguments], stderr=subprocess.PIPE)


def wait_for_lines(log, count):
    end = time.monotonic() + 30
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < end, "nobody got a slot"
        time.sleep(0.02)


class TestVisibleGpus:
    @pytest.mark.parametrize(
        ("variable", "seen"),
        [
            (None, [A, B, C]),
            ("", []),
            ("2,0", [C, A]),
            ("GPU-bb", [B]),
            (f"{C}, 1", [C, B]),
            ("3", []),
            ("-1", []),
            ("NoDevFiles", []),
            ("MIG-12-34", ["MIG-12-34"]),
        ],
    )
    def test_are_those_listed_and_named(self, gpus, monkeypatch, variable, seen):
        gpus(A, B, C)
        if variable is not None:
            monkeypatch.setenv(VISIBLE, variable)
        assert visible_gpus() == seen
        assert count_slots(3) == 3 * len(seen)

    def test_are_none_without_the_tool(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        assert visible_gpus() == []

    def test_are_none_where_the_driver_does_not_answer(self, gpus, tmp_path):
        gpus(A)
        (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho NVIDIA-SMI has failed\nexit 9\n")
        assert visible_gpus() == []


class TestGpuSlot:
    def test_without_a_gpu_holds_nothing(self, gpus):
        gpus()
        with gpu_slot(1) as gpu:
            assert gpu is None
            assert VISIBLE not in os.environ

    @pytest.mark.parametrize("before", [None, "0,1"])
    def test_shows_one_gpu_while_it_is_held(self, gpus, monkeypatch, before):
        gpus(A, B, C)
        if before:
            monkeypatch.setenv(VISIBLE, before)
        with gpu_slot(1) as gpu:
            assert os.environ[VISIBLE] == gpu == A
        assert os.environ.get(VISIBLE) == before

    def test_fills_gpus_evenly(self, gpus, tmp_path):
        gpus(A, B)
        log = tmp_path / "log"
        holders = []
        for count in range(1, 5):
            holders.append(hold(log, 2, 60))
            wait_for_lines(log, count)
        for process in holders:
            process.kill()
            process.communicate()
        assert log.read_text().split()[1::2] == [A, B, A, B]

    def test_survives_a_job_that_is_killed(self, gpus, tmp_path):
        gpus(A)
        log = tmp_path / "log"
        with hold(log, 1, 60) as killed:
            wait_for_lines(log, 1)
            with hold(log, 1, 0) as waiting:
                time.sleep(0.5)
                assert waiting.poll() is None
                killed.kill()
                assert waiting.wait(30) == 0

    def test_never_doubles_up(self, gpus, tmp_path):
        """Twenty processes, four slots: two GPUs with two jobs each."""
        gpus(A, B)
        log = tmp_path / "log"
        crowd = [hold(log, 2, 0.05 * (1 + n % 4)) for n in range(20)]
        for process in crowd:
            with process:
                assert process.wait(100) == 0, process.stderr.read()
        on, most = {A: 0, B: 0}, {A: 0, B: 0}
        for line in log.read_text().splitlines():
            sign, gpu = line.split()
            on[gpu] += 1 if sign == "+" else -1
            most[gpu] = max(most[gpu], on[gpu])
        assert on == {A: 0, B: 0}
        assert most == {A: 2, B: 2}
