"""Environments with this package's wheel, chosen packages, what those require, and nothing else."""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement


@dataclass(frozen=True)
class Environment:
    """An environment in a folder."""

    folder: Path

    def run(
        self, program: str, *arguments: object, cwd: Path
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs, which sees no packages from elsewhere."""
        strange = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        variables = {name: value for name, value in os.environ.items() if name not in strange}
        return subprocess.run(
            [self.folder / "bin" / program, *map(str, arguments)],
            cwd=cwd,
            env=variables | {"PYTHONNOUSERSITE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


def create(folder: Path, wheel: Path, *packages: str) -> Environment:
    """Make an environment of a wheel, without what it requires, and packages that are here.

    Packages are linked, which takes no time: PyTorch alone has gigabytes.
    """
    venv.create(folder, symlinks=True)
    linked = folder / "linked"
    linked.mkdir()
    for found in _with_requirements(packages):
        for name in {path.parts[0] for path in found.files or []} - {"..", "__pycache__"}:
            if not (linked / name).exists():  # namespaces such as `nvidia` are linked whole
                (linked / name).symlink_to(Path(str(found.locate_file(name))))
    environment = Environment(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "linked.pth").write_text(f"{linked}\n")
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--no-index", wheel], check=True)
    return environment


def _with_requirements(names: tuple[str, ...]) -> Iterator[Distribution]:
    """Find distributions and, once each, all that they require here."""
    waiting, seen = [Requirement(name) for name in names], set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        try:
            found = distribution(wanted.name)
        except PackageNotFoundError:
            continue  # PyTorch for the CPU lacks some
        yield found
        for requirement in map(Requirement, found.requires or []):
            extras = wanted.extras or {""}
            if requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in extras
            ):
                waiting.append(requirement)
