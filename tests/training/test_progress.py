import json
import logging
import os
import time

import pytest

from l2rw.training.history import Means
from l2rw.training.progress import Progress, format_seconds


def means():
    """Training figures of two seeds."""
    return [Means(0.4, 0.2, 0.0), Means(0.6, 0.3, 0.5)]


def test_the_status_file_tells_how_far_the_job_is_and_goes_with_it(tmp_path):
    path = tmp_path / "deep" / "job.status.json"
    with Progress("a job", 20, path, interval=0) as progress:
        started = json.loads(path.read_text())
        assert (started["job"], started["step"], started["steps"]) == ("a job", 0, 20)
        assert started["pid"] == os.getpid()
        assert abs(started["updated"] - time.time()) < 60
        progress(15, means)
        later = json.loads(path.read_text())
        assert later["step"] == 15
        assert later["steps_per_second"] > 0
        assert later["seconds_left"] == pytest.approx(5 / later["steps_per_second"])
    assert list(path.parent.iterdir()) == []


def test_the_status_file_goes_with_a_job_that_fails(tmp_path):
    path = tmp_path / "job.status.json"
    progress = Progress("a job", 20, path)
    with pytest.raises(RuntimeError, match="exists: True"), progress:
        raise RuntimeError(f"exists: {path.exists()}")
    assert not path.exists()


def test_reports_wait_for_the_interval_but_not_at_the_end(tmp_path):
    path = tmp_path / "job.status.json"
    with Progress("a job", 20, path, interval=3600) as progress:
        progress(5, means)
        assert json.loads(path.read_text())["step"] == 0
        progress(20, means)
        assert json.loads(path.read_text())["step"] == 20


def test_the_speed_of_a_resumed_job_is_that_of_its_own_steps(tmp_path, monkeypatch):
    path = tmp_path / "job.status.json"
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with Progress("a job", 200, path, interval=0) as progress:
        for step in range(101, 106):  # after a checkpoint at step 100
            now += 2
            progress(step, means)
        # A step takes two seconds, however many were done before.
        status = json.loads(path.read_text())
    assert status["steps_per_second"] == pytest.approx(0.5)
    assert status["seconds_left"] == pytest.approx(95 * 2)


def test_a_log_line_tells_step_means_over_seeds_and_time_left(caplog):
    caplog.set_level(logging.INFO)
    with Progress("a job", 20, None, interval=0) as progress:
        progress(5, means)
    line = caplog.messages[-1]
    for part in ("a job: step 5/20", "loss 0.500", "error 25.0 %", "steps/s", "ETA 0:00"):
        assert part in line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3599, "59:59"), (3723, "1:02:03")],
)
def test_durations_are_written_for_people(seconds, text):
    assert format_seconds(seconds) == text


def test_an_unknown_duration_is_a_question_mark():
    assert format_seconds(None) == "?"
