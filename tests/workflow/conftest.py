"""Very small configurations run through the real Snakemake, in directories of their own."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from l2rw.config.load import parse_config
from l2rw.planning.plan import Plan
from l2rw.store.checksums import WRITTEN_AS, write_record

REPOSITORY = Path(__file__).parents[2]

TINY: dict[str, Any] = {
    "name": "tiny",
    "targets": ["figure2"],
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

SHORT = {
    "steps": 6,
    "batch_size": 10,
    "clean_batch_size": 5,
    "decay_at": [4],
    "crop_padding": 1,
    "evaluations": 2,
}
NOISY: dict[str, Any] = {
    "name": "noisy",
    "targets": ["table2", "figure3", "figure6", "figure7", "gradient_norm", "detectors"],
    "compute": {"seeds_per_job": 2, "stack": 2},
    "noisy_labels": {
        "seeds": 2,
        "validation_size": 60,
        "fine_tuning_steps": 4,
        "uniform_flip": {"clean_size": 10, "training": SHORT | {"model": "wrn_8x8"}},
        "background_flip": {
            "clean_per_class": 1,
            "background_classes": {"digits": [0, 1]},
            "training": SHORT | {"model": "resnet_8x8"},
        },
    },
    "experiments": {
        "table2": {
            "datasets": ["digits"],
            "rows": ["baseline+ft", "baseline", "s_model_conf", "l2rw"],
        },
        "figure3": {"dataset": "digits"},
        "figure6": {"dataset": "digits", "rows": ["baseline", "l2rw"]},
        "figure7": {"dataset": "digits", "rows": ["baseline", "l2rw"]},
        # Trains the network of Figure 2, which is no target, with one seed.
        "figure2": TINY["experiments"]["figure2"] | {"seeds": 1},
        "gradient_norm": {"dataset": "digits", "rows": ["l2rw"]},
        "detectors": {"kind": "detectors", "dataset": "digits", "rows": ["l2rw"]},
    },
}


class Workspace:
    """A directory in which the workflow runs."""

    where = ("--cores", "2")
    """Options that say on what; later ones win."""

    def __init__(self, folder: Path, name: str = "tiny") -> None:
        self.folder, self.name = folder, name
        self.results = folder / "results" / name

    def command(self, config: dict[str, Any], *options: str) -> list[str | Path]:
        """Return the command that runs the workflow here."""
        overlay = self.folder / "overlay.yaml"
        overlay.write_text(yaml.safe_dump(config))
        program = Path(sys.executable).with_name("snakemake")
        snakefile = REPOSITORY / "Snakefile"
        return [
            *(program, "--snakefile", snakefile, "--directory", self.folder),
            # These runs are short, and Snakemake ends only when that second is over.
            *("--max-jobs-per-timespan", "100/1s"),
            *("--configfile", overlay, *self.where, *options),
        ]

    def snakemake(self, config: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
        command = self.command(config, *options)
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def run(self, config: dict[str, Any], *options: str) -> list[str]:
        """Run the workflow and return the rules of the jobs that ran."""
        done = self.snakemake(config, *options)
        assert done.returncode == 0, done.stderr
        return jobs(done.stderr)

    def planned(self, config: dict[str, Any]) -> list[str]:
        """Return the rules of the jobs that a run would have."""
        return jobs(self.dry_run(config))

    def dry_run(self, config: dict[str, Any]) -> str:
        """Return what Snakemake says of the jobs that a run would have."""
        done = self.snakemake(config, "--dry-run")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def copied(self, folder: Path) -> "Workspace":
        """Return a copy, Snakemake's memory included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder, self.name)

    def cloned(self, folder: Path) -> "Workspace":
        """Return a copy as it comes to a colleague: no records, all file times mixed up."""
        shutil.copytree(
            self.folder,
            folder,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns(".snakemake", "logs", "plan"),
        )
        for order, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
            os.utime(path, (1e9 + order, 1e9 + order))
        return Workspace(folder, self.name)


def jobs(log: str) -> list[str]:
    starts = ("rule ", "localrule ")
    lines = [line for line in log.splitlines() if line.startswith(starts) and line.endswith(":")]
    return sorted(line.rstrip(":").split()[1] for line in lines if "rule all" not in line)


def edit(config: dict[str, Any], **figure2: Any) -> dict[str, Any]:
    """Return the configuration with other values for Figure 2."""
    section = config["experiments"]["figure2"] | figure2
    return config | {"experiments": {"figure2": section}}


def with_shared(**changes: Any) -> dict[str, Any]:
    """Return the configuration with other values for what the experiments share."""
    return NOISY | {"noisy_labels": NOISY["noisy_labels"] | changes}


def place_timings(results: Path, config: dict[str, Any]) -> None:
    """Leave made-up timings where measuring them would take longer than the test has."""
    plan = Plan(parse_config(config))
    file = results / "bench" / plan.bench_file
    timings = {
        WRITTEN_AS: file.name,
        "settings": {"batch_size": 100},
        "provenance": {"commit": None, "source": "made-up"},
        "device": {"device": "cpu", "precision": "float32"},
        "rows": [
            {"model": model, "way": way, "ms_per_seed": ms, "samples_ms": [ms, ms + 1]}
            for model in plan.timed_networks
            for way, ms in (("SGD", 10), ("forward mode", 20), ("three passes", 30))
        ],
    }
    write_record(file, timings)


def run_once(
    factory: pytest.TempPathFactory, config: dict[str, Any], *, timings_made_up: bool = False
) -> Workspace:
    """Return a workspace in which everything has run once, the same for all of xdist's workers."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    workspace = Workspace(shared / f"finished-{config['name']}", config["name"])
    ran = workspace.folder.with_suffix(".json")
    with workspace.folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ran.exists():
            workspace.folder.mkdir(exist_ok=True)
            if timings_made_up:
                place_timings(workspace.results, config)
            ran.write_text(json.dumps(workspace.run(config)))
    workspace.first_run = json.loads(ran.read_text())
    return workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which everything has run once; not to be changed."""
    return run_once(tmp_path_factory, TINY)


@pytest.fixture
def workspace(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished workspace."""
    return finished.copied(tmp_path / "copy")


@pytest.fixture
def clone(finished: Workspace, tmp_path: Path) -> Workspace:
    """A clone of the finished workspace."""
    return finished.cloned(tmp_path / "clone")
