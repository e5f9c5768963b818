"""Checksums in results, so that what was damaged on the way is noticed and named.

A result's JSON file holds the SHA-256 of the files beside it and of its own content. Whoever reads
a file asks for it by :func:`verified`, and for one of a run by :func:`verified_of_run`; whoever
writes some seals them by :func:`write_record`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from l2rw.store.errors import UserError, why
from l2rw.store.files import read_json, write_json
from l2rw.store.paths import record_of
from l2rw.store.sealed_arrays import verify_arrays
from l2rw.store.seeds import format_seeds

OWN, FILES = "sha256", "files"
WRITTEN_AS = "written_as"
"""Key of the name of a file that tells, by this name alone, what it is of."""


def with_checksums(content: dict[str, Any], files: Iterable[Path]) -> dict[str, Any]:
    """Return the content of a result with the checksums of the files beside it, and its own."""
    content = content | {FILES: {path.name: sha256(path) for path in files}}
    return content | {OWN: _of_content(content)}


def read_result(path: Path) -> dict[str, Any]:
    """Read a result and compare it with its own checksum.

    Raises:
        UserError: It is missing, damaged or was changed.
    """
    try:
        content: dict[str, Any] = read_json(path)
        own = content.pop(OWN)
        _ = content[FILES]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read as a result ({why(error)}).",
            again(path),
        ) from None
    if own != _of_content(content):
        raise _damaged(path)
    return content


def read_run(path: Path, cell: str, seeds: range | None = None) -> dict[str, Any]:
    """Read the result of a job, or another record of it, which must be that of a cell.

    Args:
        path: Of the record.
        cell: Id of the cell.
        seeds: Of the job; any if None.

    Raises:
        UserError: It is missing, damaged or was changed, or is of another job.
    """
    content = read_result(path)
    # Simulations of earlier versions say nothing; whoever reads them compares their settings.
    told = content.get("cell", cell)
    of = told.get("id") if isinstance(told, dict) else told
    if of != cell:
        raise UserError(f"{path} is of {of}, not of {cell}.", again(path))
    runs = content.get("runs")
    if seeds is not None and runs is not None and [run["seed"] for run in runs] != list(seeds):
        raise UserError(f"{path} belongs to other seeds than {format_seeds(seeds)}.", again(path))
    return content


def read_named(path: Path) -> dict[str, Any]:
    """Read a result that says by its name what it is of, such as timings.

    Raises:
        UserError: It is missing, damaged or was changed, or was written under another name.
    """
    content = read_result(path)
    name = content.get(WRITTEN_AS, path.name)  # earlier versions did not say
    if name != path.name:
        raise UserError(f"{path} was written as {name}.", again(path))
    return content


def verified_of_run(path: Path, cell: str, seeds: range | None = None) -> Path:
    """Return the name of a job's file that is as it was written, and of this cell.

    Arguments and errors are those of :func:`read_run`, but for the path, which is the file's.
    """
    _compare(path, read_run(record_of(path), cell, seeds))
    return path


def verify(path: Path, result: Path) -> None:
    """Compare a file with the checksum that the result beside it holds.

    Raises:
        UserError: One of them is missing, damaged or was changed.
    """
    _compare(path, read_result(result))


def verified(path: Path) -> Path:
    """Return the name of a file that is as it was written: whoever reads one asks first.

    Args:
        path: A record, a file that a record beside it seals, or arrays that seal themselves.

    Raises:
        UserError: It or its record is missing, damaged or was changed.
    """
    record = record_of(path)
    if path.suffix == ".npz":
        with reading(path, "arrays"):
            verify_arrays(path)
    elif path == record:
        read_result(path)
    else:
        verify(path, record)
    return path


def seals(record: Path) -> bool:
    """Whether a record says that it seals anything: earlier versions sealed less."""
    try:
        return not {OWN, FILES}.isdisjoint(read_json(record))
    except (OSError, ValueError, TypeError):
        return True


def write_record(path: Path, content: dict[str, Any], files: Iterable[Path] = ()) -> None:
    """Write a record of some files beside it: their checksums, and its own."""
    write_json(path, with_checksums(content, files))


def add_to_record(path: Path, files: Iterable[Path]) -> None:
    """Seal more files by a record that is there."""
    content = read_result(path)
    sealed = [path.with_name(name) for name in content.pop(FILES)]
    write_record(path, content, [*sealed, *files])


def digests_of(inputs: Mapping[str, Path]) -> dict[str, str]:
    """Return the checksums of inputs by name, of those that are there."""
    return {name: sha256(path) for name, path in inputs.items() if path.is_file()}


def is_current(record: Path, plan: Any, inputs: Mapping[str, Path], files: Iterable[str]) -> bool:
    """Whether an output is whole and made from what it would be made from today.

    An input that is not there any more, such as a run that was not pulled, says nothing.

    Args:
        record: What the output says of itself.
        plan: Digest of the plan, or of several by name.
        inputs: What the output is made from, by the names that it records.
        files: Names of the files that the record has to seal.
    """
    try:
        content = read_result(record)
        if content.get("plan") != plan or not set(files) <= content[FILES].keys():
            return False
        for name in content[FILES]:
            verify(record.with_name(name), record)
        recorded = content["inputs"]
        return recorded.keys() == inputs.keys() and all(
            recorded[name] == digest for name, digest in digests_of(inputs).items()
        )
    except (UserError, KeyError, AttributeError, TypeError):
        return False


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what a damaged file, or one of another kind, does to its reader into a sentence.

    Raises:
        UserError: Names the file, and says what it should be.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # readers of damaged files raise whatever they like
        raise UserError(f"{path} cannot be read as {what} ({why(error)}).", again(path)) from None


def recorded_plan(record: Path) -> Any:
    """Return what a record says of the plan behind an output; None if it cannot be read."""
    try:
        return read_json(record)["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def require_plan(record: Path, digest: str) -> None:
    """Compare the plan behind an output with the one that is wanted, given its digest.

    Raises:
        UserError: The record is missing or damaged, or names another plan.
    """
    if recorded_plan(record) != digest:
        raise UserError(
            f"{record} is missing, or belongs to another plan than {digest}: settings or the code "
            "of the analysis have changed.",
            "run `snakemake` with the same configuration first.",
        )
    verified(record)


def sha256(path: Path) -> str:
    """Return the checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(path: Path, record: Mapping[str, Any]) -> None:
    if not path.is_file() or record[FILES].get(path.name) != sha256(path):
        raise _damaged(path)


def _of_content(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _damaged(path: Path) -> UserError:
    return UserError(
        f"{path} is missing, damaged or was changed: its SHA-256 is not the recorded one.",
        again(path),
    )


def again(path: Path) -> str:
    """Return the hint: a run is made as a whole, tables and figures one by one."""
    folder = path.parent
    of_a_run = folder.name.startswith("seed-")
    made = folder if of_a_run else path
    return f"delete {made} and run again, or restore it with `dvc checkout`."
