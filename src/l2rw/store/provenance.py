"""Where a result comes from: source, versions, device."""

import ast
import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeGuard

import l2rw

PACKAGE = Path(l2rw.__file__).parent
PACKAGES_THAT_COMPUTE = (
    "core",
    "store/randomness.py",
    "models",
    "data",
    "methods",
    "training",
)
LIBRARIES = ("torch", "numpy", "scikit-learn")
CODE_AND_DATA = {".py", ".csv", ".yaml", ".html"}


def source_hash(packages: tuple[str, ...] = PACKAGES_THAT_COMPUTE) -> str:
    """Digest the package's files, code and data, that decide what a result is (12 hex digits).

    Only what they compute counts: not their paths, nor imports and docstrings, which name the paths
    of others, nor line ends.
    """
    paths = [PACKAGE / name for name in packages]
    files = {file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])}
    digests = sorted(
        _digest(file, file.stat().st_mtime_ns) for file in files if file.suffix in CODE_AND_DATA
    )
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:12]


@cache
def _digest(file: Path, modified: int) -> str:
    """Digest a file; ``modified`` is when it last was."""
    lines = file.read_text(encoding="utf-8").splitlines()
    if file.suffix == ".py":
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node):
                lines[node.lineno - 1 : node.end_lineno] = [""] * _height(node)
    return hashlib.sha256("\n".join(filter(str.strip, lines)).encode()).hexdigest()


def _is_text(node: ast.AST) -> TypeGuard[ast.Expr]:
    """Whether a node is a docstring, or a string that stands alone like one."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _height(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def git_commit() -> str | None:
    """Return the commit of the source tree, with ``+`` if it has changes, or None outside git."""

    def git(*arguments: str) -> str:
        # Git asks whether a repository of somebody else's is trusted; its code runs already.
        trusted = ["-c", "safe.directory=*"]
        command = ["git", *trusted, "-C", str(PACKAGE), *arguments]
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
