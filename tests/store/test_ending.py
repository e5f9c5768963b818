import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from l2rw.store.ending import Ended, ending_in_order, explained, told_in_a_sentence
from l2rw.store.errors import UserError


def ended(error):
    """What a command says that an error ends, and its exit code."""
    with pytest.raises(Ended) as end, told_in_a_sentence():
        raise error
    return end.value.code


MISTAKES = {
    "user": UserError("This is wrong.", "mend it."),
    "absent": FileNotFoundError(errno.ENOENT, "No such file or directory", "nope.csv"),
    "forbidden": PermissionError(errno.EACCES, "Permission denied", "theirs.csv"),
    "read-only": OSError(errno.EROFS, "Read-only file system", "here.csv"),
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "in the way": NotADirectoryError(errno.ENOTDIR, "Not a directory", "file/below"),
    "two names": OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"),
    "odd": OSError(errno.ENOTTY, "Inappropriate ioctl for device", b"bytes"),
    "other text": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "other name": UnicodeEncodeError("utf-8", "V\udcf6gel", 1, 2, "surrogates not allowed"),
    "memory": MemoryError(),
    "memory of PyTorch": RuntimeError("DefaultCPUAllocator: can't allocate memory"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_a_user_can_mend_is_one_sentence_with_a_hint(name, capfd):
    assert ended(MISTAKES[name]) == 2
    (told,) = capfd.readouterr().err.splitlines()
    assert re.fullmatch(r"Error: .+\. Hint: .+\.", told)


@pytest.mark.parametrize(
    "error", [KeyError("x"), OSError("of a library"), OSError(errno.EBADF, "Bad file descriptor")]
)
def test_a_mistake_of_ours_is_a_traceback_and_a_log_to_send(error, capfd, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("l2rw.store.ending._log_of_this_process", lambda: None)
    assert ended(error) == 1
    told = capfd.readouterr().err
    (log,) = tmp_path.iterdir()
    assert "Traceback" in told
    assert "Traceback" in log.read_text()
    assert told.splitlines()[-1].startswith("Error: This is a mistake of l2rw itself (")
    assert told.rstrip().endswith(f"report it to its maintainers, with {log}.")


def test_a_job_names_its_own_log(tmp_path):
    log = tmp_path / "job.log"
    program = "from l2rw.store.ending import told_in_a_sentence\nwith told_in_a_sentence(): {}['x']"
    with log.open("w") as stream:
        job = subprocess.run([sys.executable, "-c", program], stderr=stream, check=False)
    assert job.returncode == 1
    assert log.read_text().rstrip().endswith(f"with {log}.")


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 128 + signal.SIGPIPE)]
)
def test_interruptions_are_silent(error, code, capfd):
    assert ended(error) == code
    assert capfd.readouterr() == ("", "")


def test_other_ends_pass():
    with pytest.raises(SystemExit) as end, told_in_a_sentence():
        raise SystemExit(143)
    assert end.value.code == 143
    with told_in_a_sentence():
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        (">/dev/full", 2, b"Error: No space left on device. Hint: free some space.\n"),
        (">&-", 0, b""),
    ],
)
def test_standard_output_may_be_full_or_closed(redirected, code, said, tmp_path):
    command = f"{sys.executable} -m l2rw status {redirected}"
    run = subprocess.run(command, shell=True, capture_output=True, check=False, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (code, said)


def test_errors_that_the_system_does_not_explain_are_not_its():
    assert explained(OSError(errno.EBADF, "Bad file descriptor")) is None
    assert explained(ValueError("?")) is None
    assert os.strerror(errno.EACCES).lower() in str(explained(MISTAKES["forbidden"]))


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_in_order():
            signal.raise_signal(signal.SIGHUP)
            with pytest.raises(Ended) as end:
                signal.raise_signal(signal.SIGTERM)
        assert end.value.code == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
