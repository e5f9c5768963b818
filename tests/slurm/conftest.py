"""A throw-away Slurm, and an undisturbed run without one to compare with."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.conftest import NOISY, TINY, Workspace

SCRIPT = Path(__file__).with_name("cluster.sh")

# A checkpoint after every step, so that there is something to go on from; in Figure 2 a second or
# two of training to catch a job in.
CONFIG: dict[str, Any] = {
    "name": "small",
    "targets": ["figure2", "table2", "figure3", "theorem2"],
    "compute": {"checkpoint_seconds": 0.0},
    "noisy_labels": NOISY["noisy_labels"] | {"seeds": 1},
    "theory": {"dataset": "digits", "train_size": 60, "clean_size": 10, "trajectories": 4},
    "experiments": {
        "figure2": TINY["experiments"]["figure2"]
        | {
            "seeds": 1,
            "methods": ["baseline", "proportion", "l2rw"],
            "training": TINY["experiments"]["figure2"]["training"] | {"steps": 600},
        },
        "table2": {"datasets": ["digits"], "rows": ["baseline", "baseline+ft", "s_model_conf"]},
        "figure3": {"dataset": "digits"},
        "theorem2": {"steps": 300, "limit_fractions": [0.5]},
    },
}

# So that not all jobs ask for as many CPUs as a job gets anyway.
THREADS = ("--set-threads", "probe=2")


class Cluster:
    """A Slurm, and what it knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def do(self, command: str, *arguments: str) -> None:
        """Run a command of cluster.sh; skip the test where there can be no Slurm."""
        done = subprocess.run(
            [SCRIPT, command, self.folder, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode == 3:
            pytest.skip(f"No Slurm here. {done.stderr.splitlines()[-1]}")
        assert done.returncode == 0, done.stderr

    def jobs(self, folder: Path) -> dict[str, dict[str, str]]:
        """Return by id the jobs of a working directory, those that have ended included."""
        told = subprocess.check_output(["scontrol", "show", "job", "--oneliner"], text=True)
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in told.splitlines()]
        return {job["JobId"]: job for job in jobs if job.get("WorkDir") == str(folder)}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(cluster.folder / "etc" / "slurm.conf"))
        # It halves the start of every job.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        try:
            cluster.do("start")
            yield cluster
        finally:
            cluster.do("stop")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Workspace:
    """A workspace in which all but tables and figures was made once, without Slurm."""
    workspace = Workspace(tmp_path_factory.mktemp("undisturbed"), CONFIG["name"])
    done = workspace.snakemake(CONFIG, *THREADS, "--omit-from", "tabulate")
    assert done.returncode == 0, done.stderr
    return workspace
