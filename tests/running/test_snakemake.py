"""A process that runs is never left behind."""

import signal
import sys
from threading import Lock, Semaphore
from types import SimpleNamespace

import pytest

from l2rw.running.snakemake import CACHE, end_without_deadlock, running, snakemake_environment
from l2rw.store.ending import Ended

PROGRAM = """
import signal, sys, time
def end(number, frame):
    print("let go of the lock", flush=True)
    open("ended", "w").close()
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
print("first", flush=True)
time.sleep(60)
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return [sys.executable, "-c", PROGRAM]


def run(command, happens):
    """Run a command; something happens after its first line."""
    with running(command) as process:
        assert next(process.lines()) == "first\n"
        happens(process)


@pytest.mark.usefixtures("hang_up_ends")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(command, tmp_path, number):
    def interrupt(process):
        signal.raise_signal(number)
        assert list(process.lines()) == []

    with pytest.raises(Ended) as ended:
        run(command, interrupt)
    assert ended.value.code == 128 + number
    assert (tmp_path / "ended").exists()


def test_it_ends_in_order_where_nobody_listens_any_more(command, tmp_path):
    def print_in_vain(process):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(command, print_in_vain)
    assert (tmp_path / "ended").exists()


def test_nohup_is_respected(command):
    def hang_up(process):
        signal.raise_signal(signal.SIGHUP)
        assert not process.asked_to_end
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with pytest.raises(Ended) as ended:
            run(command, hang_up)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert ended.value.code == 128 + signal.SIGTERM


def test_snakemake_heeds_a_signal_while_it_holds_its_lock(monkeypatch):
    scheduling = pytest.importorskip("snakemake.scheduling.job_scheduler")
    scheduler = scheduling.JobScheduler
    monkeypatch.setattr(scheduler, "exit_gracefully", scheduler.exit_gracefully)
    end_without_deadlock()
    held = SimpleNamespace(_lock=Lock(), _open_jobs=Semaphore(0), _user_kill=None)
    with held._lock:
        scheduler.exit_gracefully(held, signal.SIGTERM, None)
    assert held._open_jobs.acquire(timeout=60)
    assert held._user_kill


def test_caches_lie_here_where_the_home_folder_cannot_take_them(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert "XDG_CACHE_HOME" not in snakemake_environment()
    may = {"": True, ".cache": True, f".cache/{CACHE}": False}
    (tmp_path / "home/.cache" / CACHE).mkdir(parents=True)
    monkeypatch.setattr(
        "l2rw.running.snakemake.is_writable",
        lambda folder: may[folder.relative_to(tmp_path / "home").as_posix()],
    )
    assert snakemake_environment()["XDG_CACHE_HOME"] == str(tmp_path / ".snakemake/caches")
