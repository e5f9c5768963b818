"""How files are read and written: in UTF-8, and a new one takes its name once it is whole."""

import csv
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from l2rw.store.errors import UserError, why


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the name to write a file under, hidden beside it; it replaces the file at the end.

    No other process is given the same name. It ends as the file's does, for libraries that go by
    that. Folders are created. After an error, the file is as it was, and nothing else is there.

    Raises:
        UserError: The disk is full, or something else prevents the file from being written.
    """
    partial = path if is_written_in_place(path) else _partial_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if partial != path:
            partial.replace(path)
    except OSError as error:
        raise _cannot_be_written(path, error) from None
    finally:
        if partial != path:
            with suppress(OSError):  # replaced, or nothing could be written there
                partial.unlink()


def require_place(path: Path) -> None:
    """See whether :func:`replacing` will be able to write a file: before work that takes long.

    Raises:
        UserError: It will not, whatever becomes of the disk.
    """
    try:
        if path.is_dir():
            raise _refusal(errno.EISDIR)
        if is_written_in_place(path):
            return
        with suppress(FileNotFoundError):
            _partial_of(path).lstat()  # refuses names that are too long, and files for folders
        if not is_writable(nearest(path.parent)):
            raise _refusal(errno.EACCES)
    except OSError as error:
        raise _cannot_be_written(path, error) from None


def _partial_of(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.partial{path.suffix}")


def _cannot_be_written(path: Path, error: OSError) -> UserError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return UserError(
        f"{path} cannot be written ({why(error)}).",
        "free some space." if full else "choose another place with --out, or clear this one.",
    )


def nearest(place: Path) -> Path:
    """Return a place if it is there, else the folder that it would be made in."""
    return next(one for one in (place, *place.absolute().parents) if os.path.lexists(one))


def is_writable(folder: Path) -> bool:
    """Whether this process may make files in a folder."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def is_written_in_place(path: Path) -> bool:
    """Whether a file must not be replaced: a device, or a folder, which refuses.

    /dev/stdout is a link that passes for a file where output goes to one. To replace it would take
    it from the whole machine.
    """
    # Links are not followed.
    parts = Path(os.path.abspath(path)).parts  # noqa: PTH100
    names_device = parts[1:2] == ("proc",) or (parts[1:2] == ("dev",) and parts[2:3] != ("shm",))
    return names_device or (path.exists() and not path.is_file())


def leftovers(path: Path) -> list[Path]:
    """Return what processes that were killed while they wrote a file left beside it."""
    return list(path.parent.glob(f".{path.stem}.*.partial{path.suffix}"))


def write_text(path: Path, text: str) -> None:
    """Write a text file, with the same bytes on every platform."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON; raise :class:`ValueError` for what JSON does not know, such as NaN."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; raise :class:`OSError` or :class:`ValueError` where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table, row by row as they come."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)


def write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    """Write PyTorch tensors by name, in the format of safetensors."""
    with replacing(path) as partial:
        save_tensors(partial, tensors)


def save_tensors(path: Path, tensors: dict[str, Any], header: dict[str, str] | None = None) -> None:
    """Write tensors by name, and texts by name, to a file that nobody reads yet."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file({name: t.contiguous() for name, t in tensors.items()}, path, header)
    except SafetensorError as error:  # which hides what the system said
        number = re.search(r"os error (\d+)", str(error))
        raise (_refusal(int(number[1])) if number else OSError(str(error))) from None


def _refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def copy_file(source: Path, path: Path) -> None:
    """Copy the content of a file."""
    with replacing(path) as partial:
        shutil.copyfile(source, partial)


def set_time(path: Path, seconds: float | None = None) -> None:
    """Date a file, at ``seconds`` since the epoch or now.

    Only the owner may: a file of someone else's is replaced by a copy.

    Raises:
        UserError: The file may not be dated, and not replaced either.
    """
    times = None if seconds is None else (seconds, seconds)
    try:
        os.utime(path, times)
    except OSError:  # whose reason does not name the file: what is told then does
        copy_file(path, path)
        os.utime(path, times)
