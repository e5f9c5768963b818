"""How a command ends: well, with one sentence, silently, or with a traceback to report.

A problem that its user can solve ends it with a sentence, a hint and exit code 2. Ctrl-C and a
reader that closed its end of the pipe, such as ``head``, end it silently, with the exit codes that
shells give to the signals for them. Anything else is an error of this package: it ends with a
traceback, which is kept in a log, and exit code 1.
"""

import errno
import os
import signal
import stat
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from l2rw.store.errors import UserError
from l2rw.store.text import one_line

MISTAKE, BUG = 2, 1
"""Exit codes."""
OUR_MISTAKE = "This is a mistake of l2rw itself"
HINTS = {
    errno.ENOENT: "check the name; `~` and relative names count from the folder you are in.",
    errno.EACCES: "ask its owner, or work in a folder of your own.",
    errno.EPERM: "ask its owner, or work in a folder of your own.",
    errno.EROFS: "work in a folder that can be written to.",
    errno.ENOSPC: "free some space.",
    errno.EDQUOT: "free some space.",
    errno.ENOTDIR: "name a folder.",
    errno.EISDIR: "name a file.",
    errno.EMFILE: "raise the limit (`ulimit -n`), or run fewer jobs at a time.",
    errno.EIO: "check the disk, or the network that it is reached by.",
    errno.ESTALE: "check the disk, or the network that it is reached by.",
    errno.ENOMEM: "run fewer jobs at a time, or lower batch_size.",
    errno.EAGAIN: "run fewer jobs at a time, or raise the limit of processes (`ulimit -u`).",
    errno.ENAMETOOLONG: "take a shorter name.",
    errno.ELOOP: "check the symbolic link.",
}
"""What to do where the system refuses, by its number for that."""
ANYWHERE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENOMEM, errno.EAGAIN)
"""Refusals that are no mistake of this package, whatever file they were met at."""


class Ended(SystemExit):
    """The end of a command whose user has been told why, with its exit code."""

    code: int


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Turn whatever ends a command into what its user sees, and into an exit code.

    Raises:
        Ended: With the code, unless all went well.
    """
    try:
        try:
            yield
        finally:
            _flush()
    except BrokenPipeError:
        _discard_output()
        raise Ended(128 + signal.SIGPIPE) from None
    except KeyboardInterrupt:
        raise Ended(128 + signal.SIGINT) from None
    except Exception as error:
        _discard_output()
        told = explained(error)
        _say(f"Error: {told}" if told else _report(error))
        raise Ended(MISTAKE if told else BUG) from None


@contextmanager
def handling(handler: Callable[[int, FrameType | None], Any], *numbers: int) -> Iterator[None]:
    """Let a function handle signals, and those that handled them before handle them afterwards."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: what is half written is removed.

    One that is ignored stays so, as SIGHUP is under ``nohup``, and one that is heeded, too.

    Raises:
        Ended: After a signal, with the exit code that shells give to it.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise Ended(128 + number)

    asked = threading.current_thread() is threading.main_thread()  # no other may handle signals
    ends = (signal.SIGTERM, signal.SIGHUP) if asked else ()
    with handling(end, *(n for n in ends if signal.getsignal(n) is signal.SIG_DFL)):
        yield


def explained(error: BaseException) -> UserError | None:
    """Return what a user can do about an error, None if it is a mistake of this package."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError):
        return _explained_refusal(error)
    if isinstance(error, UnicodeDecodeError):
        return UserError(
            f"A file is not UTF-8 text ({error}).",
            "save it as UTF-8, for example with `iconv -f latin1 -t utf-8 OLD > NEW`.",
        )
    if isinstance(error, UnicodeEncodeError):
        return UserError(
            f"A name is no text in {sys.getfilesystemencoding().upper()} ({error}).",
            "rename the file or folder; or say PYTHONUTF8=1 before the command.",
        )
    told = str(error).lower()
    no_memory = "allocate memory" in told or "not enough memory" in told
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or no_memory:
        return UserError(
            "There is not enough memory.",
            "run fewer jobs at a time, lower compute.stack or batch_size, or use a larger machine.",
        )
    return None


def _explained_refusal(error: OSError) -> UserError | None:
    if error.errno is None or (error.filename is None and error.errno not in ANYWHERE):
        return None
    reason = os.strerror(error.errno).lower()
    names = [
        os.fsdecode(n) for n in (error.filename, error.filename2) if isinstance(n, str | bytes)
    ]
    where = " and ".join(dict.fromkeys(names))
    problem = f"{where}: {reason}." if where else f"{os.strerror(error.errno)}."
    return UserError(problem, HINTS.get(error.errno, "see whether it is there and may be used."))


def _report(error: Exception) -> str:
    """Return a traceback and where to go with it."""
    trace = "".join(traceback.format_exception(error))
    kept = _log_of_this_process() or _kept(trace)
    what = one_line(f"{type(error).__name__}: {error}")[:200]
    with_log = f", with {kept}" if kept else ""
    return (
        f"{trace}\nError: {OUR_MISTAKE} ({what}). "
        f"Hint: please report it to its maintainers{with_log}."
    )


def _log_of_this_process() -> Path | None:
    """Return the file that standard error goes to, if it goes to a file: a job's log."""
    with suppress(OSError, ValueError, AttributeError):
        if stat.S_ISREG(os.fstat(sys.stderr.fileno()).st_mode):
            return Path(f"/proc/self/fd/{sys.stderr.fileno()}").readlink()
    return None


def _kept(trace: str) -> Path | None:
    """Write a traceback to a file of its own; None if no file can be written."""
    with suppress(OSError):
        number, name = tempfile.mkstemp(prefix="l2rw-", suffix=".log")
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{sys.argv}\nPython {sys.version}\n\n{trace}")
        return Path(name)
    return None


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody listens
        print(text, file=sys.stderr, flush=True)


def _flush() -> None:
    if sys.stdout is not None:  # as it is where the shell closed it
        sys.stdout.flush()


def _discard_output() -> None:
    """Let what standard output still holds go: Python flushes it again, which must not fail."""
    with suppress(OSError, ValueError, AttributeError):
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
