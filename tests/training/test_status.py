import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from l2rw.training.progress import Status
from l2rw.training.status import SILENT_AFTER, describe, print_status, read_status

UNKNOWN = None


def status(job="job", seconds_left=90.0, updated=1000.0, rate=2.0):
    return Status(job, "host", 7, 25, 100, rate, seconds_left, updated)


def put(folder, *jobs):
    for job in jobs:
        (folder / f"{job.job}.log.status.json").write_text(json.dumps(asdict(job)))


def test_a_line_tells_how_far_a_job_is_and_how_long_it_takes():
    line = describe(status(), now=1030.0)
    assert line.split() == ["25%", "2.0", "steps/s", "ETA", "1:00", "job", "(host,", "pid", "7)"]


def test_the_time_left_never_becomes_negative():
    assert "ETA 0:00" in describe(status(seconds_left=5), now=1030.0)


def test_a_job_that_has_just_started_has_an_unknown_time_left():
    assert "ETA ?" in describe(status(seconds_left=UNKNOWN, rate=0.0), now=1000.0)


def test_a_job_without_news_is_called_silent():
    assert "silent" not in describe(status(), now=1000 + SILENT_AFTER)
    assert "silent for 1:02:03" in describe(status(), now=1000.0 + 3723)


def test_jobs_are_found_at_any_depth_the_longest_first(tmp_path):
    deep = tmp_path / "train" / "cell"
    deep.mkdir(parents=True)
    put(tmp_path, status("short", 1), status("long", 100))
    put(deep, status("medium", 10))
    assert [job.job for job in read_status(tmp_path)] == ["long", "medium", "short"]


def test_jobs_of_unknown_length_do_not_disturb_the_order_of_the_others(tmp_path):
    put(tmp_path, *(status(f"{i:02}", UNKNOWN if i % 3 == 0 else i) for i in range(30)))
    known = [job.seconds_left for job in read_status(tmp_path) if job.seconds_left is not None]
    assert known == sorted(known, reverse=True)


def test_a_job_may_end_while_its_status_is_read(tmp_path):
    put(tmp_path, status("running"))
    (tmp_path / "ended.status.json").symlink_to(tmp_path / "gone")
    assert [job.job for job in read_status(tmp_path)] == ["running"]


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (0, "No training jobs running."),
        (1, "1 training job running."),
        (2, "2 training jobs running."),
    ],
)
def test_the_last_line_counts_the_jobs(tmp_path, capsys, count, line):
    put(tmp_path, *(status(f"job{i}", updated=time.time()) for i in range(count)))
    print_status(tmp_path)
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == line
    assert len(printed) == count + 1


def test_a_job_whose_process_is_gone_is_not_called_running(tmp_path, capsys):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name, pid in (("dead", gone.pid), ("alive", os.getpid())):
        one = replace(status(name, updated=time.time()), host=socket.gethostname(), pid=pid)
        put(tmp_path, one)
    print_status(tmp_path)
    told = capsys.readouterr().out
    assert "1 training job running, 1 silent or killed." in told
    assert told.count("killed 0:00 ago or later") == 1
