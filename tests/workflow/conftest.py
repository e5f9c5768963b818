"""A very small configuration run through the real Snakemake, in a directory of its own."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]

TINY: dict[str, Any] = {
    "name": "tiny",
    "experiments": {
        "figure2": {
            "dataset": "digits",
            "seeds": 2,
            "majority_shares": [0.8],
            "train_size": 60,
            "clean_size": 4,
            "methods": ["baseline", "l2rw"],
            "training": {
                "model": "lenet_8x8",
                "steps": 6,
                "batch_size": 10,
                "clean_batch_size": 4,
                "evaluations": 2,
            },
        }
    },
}


class Workspace:
    """A directory in which the workflow runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results" / "tiny"

    def snakemake(self, config: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
        overlay = self.folder / "overlay.yaml"
        overlay.write_text(yaml.safe_dump(config))
        program = Path(sys.executable).with_name("snakemake")
        snakefile = REPOSITORY / "Snakefile"
        return subprocess.run(
            [
                *(program, "--snakefile", snakefile, "--directory", self.folder),
                *("--cores", "2", "--configfile", overlay, *options),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, config: dict[str, Any]) -> list[str]:
        """Run the workflow and return the rules of the jobs that ran."""
        done = self.snakemake(config)
        assert done.returncode == 0, done.stderr
        return jobs(done.stderr)

    def planned(self, config: dict[str, Any]) -> list[str]:
        """Return the rules of the jobs that a run would have."""
        done = self.snakemake(config, "--dry-run")
        assert done.returncode == 0, done.stderr
        return jobs(done.stdout + done.stderr)


def jobs(log: str) -> list[str]:
    starts = ("rule ", "localrule ")
    lines = [line for line in log.splitlines() if line.startswith(starts) and line.endswith(":")]
    return sorted(line.rstrip(":").split()[1] for line in lines if "rule all" not in line)


def edit(config: dict[str, Any], **figure2: Any) -> dict[str, Any]:
    """Return the configuration with other values for Figure 2."""
    section = config["experiments"]["figure2"] | figure2
    return config | {"experiments": {"figure2": section}}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which everything has run once; not to be changed."""
    workspace = Workspace(tmp_path_factory.mktemp("finished"))
    workspace.first_run = workspace.run(TINY)
    return workspace


@pytest.fixture
def workspace(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished workspace, Snakemake's memory included."""
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
    return Workspace(tmp_path / "copy")


@pytest.fixture
def clone(finished: Workspace, tmp_path: Path) -> Workspace:
    """The finished workspace as it comes to a colleague: no records, all file times mixed up."""
    shutil.copytree(
        finished.folder,
        tmp_path / "clone",
        copy_function=shutil.copyfile,
        ignore=shutil.ignore_patterns(".snakemake", "logs", "plan"),
    )
    return Workspace(tmp_path / "clone")
