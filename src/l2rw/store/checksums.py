"""Checksums in results, so that what was damaged on the way is noticed and named.

A result's JSON file holds the SHA-256 of the files beside it and of its own content. Readers ask
:func:`read_result`; who only wants the files beside it asks :func:`verify`.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from l2rw.store.errors import UserError
from l2rw.store.files import read_json

OWN, FILES = "sha256", "files"


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
            f"{path} cannot be read as a result ({type(error).__name__}: {error}).",
            f"delete {path.parent} and run again.",
        ) from None
    if own != _of_content(content):
        raise _damaged(path)
    return content


def verify(path: Path, result: Path) -> None:
    """Compare a file with the checksum that the result beside it holds.

    Raises:
        UserError: One of them is missing, damaged or was changed.
    """
    checksums = read_result(result)[FILES]
    if not path.is_file() or checksums.get(path.name) != sha256(path):
        raise _damaged(path)


def recorded_plan(record: Path) -> Any:
    """Return what a record says of the plan behind an output; None if it cannot be read."""
    try:
        return read_json(record)["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def require_plan(record: Path, digest: str) -> None:
    """Compare the plan behind an output with the one that is wanted, given its digest.

    Raises:
        UserError: The record is missing or names another plan.
    """
    if recorded_plan(record) != digest:
        raise UserError(
            f"{record} is missing, or of another plan than {digest}: settings or the code of the "
            f"analysis have changed.",
            "run `snakemake` with the same configuration first.",
        )


def sha256(path: Path) -> str:
    """Return the checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_content(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _damaged(path: Path) -> UserError:
    return UserError(
        f"{path} is missing, damaged or was changed: its SHA-256 is not the recorded one.",
        f"delete {path.parent} and run again, or bring it back with `dvc checkout`.",
    )
