"""Several GPUs in one machine: as many jobs at a time as they take, each on its own."""

import re

import pytest

from .conftest import TINY, Workspace, edit

pytestmark = pytest.mark.workflow


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """Pretend that this machine has two GPUs that nobody uses; CUDA sees none of them."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho GPU-aaaa\necho GPU-bbbb\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def run(folder, *options, seeds=2, **compute):
    """Return how many jobs may ask for a GPU at a time, and the logs of training jobs."""
    config = edit(TINY, methods=["baseline"], seeds=seeds) | {"compute": compute}
    done = Workspace(folder).snakemake(config, *options)
    assert done.returncode == 0, done.stderr
    limit = int(re.search(r"^Provided resources: .*gpu\D*(\d+)", done.stderr, re.MULTILINE)[1])
    return limit, [path.read_text() for path in folder.rglob("logs/tiny/train/**/*.log")]


def test_every_job_gets_its_own(gpus, tmp_path):
    limit, logs = run(tmp_path, "--until", "train")
    assert (limit, len(logs)) == (2, 2)
    assert all(re.search(r"on GPU GPU-(aaaa|bbbb), slot 0", log) for log in logs)


def test_take_as_many_jobs_as_one_says(gpus, tmp_path):
    assert run(tmp_path, "--until", "fetch", jobs_per_gpu=3) == (6, [])
    by_hand = ("--resources", "gpu=1", "--until", "corrupt")
    assert run(tmp_path, *by_hand, jobs_per_gpu=3) == (1, [])


def test_are_left_alone_by_jobs_for_the_cpu(gpus, tmp_path):
    _, (log,) = run(tmp_path, "--until", "train", seeds=1, device="cpu")
    assert "GPU" not in log


def test_nothing_waits_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    limit, (log,) = run(tmp_path, "--until", "train", seeds=1)
    assert limit == 0
    assert "GPU" not in log
