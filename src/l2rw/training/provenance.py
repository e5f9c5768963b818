"""Where a result comes from: source, versions, device."""

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import l2rw

PACKAGE = Path(l2rw.__file__).parent
ROOMS_THAT_COMPUTE = (
    "weights.py",
    "batchnorm.py",
    "randomness.py",
    "models",
    "data",
    "methods",
    "training",
)
LIBRARIES = ("torch", "numpy", "scikit-learn")
CODE_AND_DATA = {".py", ".csv", ".yaml"}


def source_hash(rooms: tuple[str, ...] = ROOMS_THAT_COMPUTE) -> str:
    """Digest the package's files, code and data, that decide what a result is (12 hex digits)."""
    digest = hashlib.sha256()
    for room in rooms:
        path = PACKAGE / room
        files = [f for f in path.rglob("*") if f.suffix in CODE_AND_DATA]
        for file in sorted(files) if path.is_dir() else [path]:
            digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0")
            digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def git_commit() -> str | None:
    """Return the commit of the source tree, with ``+`` if it has changes, or None outside git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PACKAGE), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    try:
        changed = "+" if git("status", "--porcelain", "--", str(PACKAGE)) else ""
        return git("rev-parse", "HEAD") + changed
    except (OSError, subprocess.CalledProcessError):
        return None


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "absent"
    return found


def provenance() -> dict[str, Any]:
    """Say from which source and with which versions a result is made."""
    return {"commit": git_commit(), "source": source_hash(), "versions": versions()}
