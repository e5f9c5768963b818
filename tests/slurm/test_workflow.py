"""Nothing goes wrong: everything runs on Slurm as it is asked to, and leaves what it should."""

import re
import subprocess
from collections import Counter

import pytest

from tests.workflow.conftest import REPOSITORY

from .conftest import CONFIG, THREADS, Cluster
from .on_slurm import SlurmWorkspace, results, submissions

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> SlurmWorkspace:
    """A workspace in which everything has run once, on Slurm."""
    workspace = SlurmWorkspace(tmp_path_factory.mktemp("on-slurm"), CONFIG["name"])
    done = workspace.snakemake(CONFIG, *THREADS)
    assert done.returncode == 0, done.stderr
    workspace.told = done.stderr
    return workspace


def test_results_are_those_of_a_run_without_slurm(workspace, undisturbed):
    found = results(workspace)
    assert sum(name.endswith("network.safetensors") for name in found) == 7
    assert found == results(undisturbed)


def test_heavy_rules_go_through_sbatch_and_light_ones_do_not(workspace, cluster):
    submitted = submissions(workspace.told)
    jobs = cluster.jobs(workspace.folder)
    assert Counter(job.rule for job in submitted) == {
        "train": 7,
        "probe": 1,
        "simulate": 3,
        "bench": 1,
    }
    assert sorted(job.id for job in submitted) == sorted(jobs)
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    light = set(re.findall(r"^localrule (\w+):", workspace.told, re.MULTILINE))
    assert light == {"fetch", "corrupt", "tabulate", "draw", "metrics", "judge", "all"}


def test_jobs_get_what_their_rules_ask_for(workspace, cluster):
    jobs = cluster.jobs(workspace.folder)
    for asked in submissions(workspace.told):
        got = jobs[asked.id]
        assert got["Account"] == asked.resources["slurm_account"] == "research"
        assert got["NumCPUs"] == str(asked.threads)
        assert got["MinMemoryNode"] == in_slurms_unit(int(asked.resources["mem_mb"]))
        assert minutes(got["TimeLimit"]) == int(asked.resources["runtime"])
        assert asked.threads == (2 if asked.rule == "probe" else 1)
        on_gpu = asked.rule != "simulate"
        assert got["Partition"] == ("gpu" if on_gpu else "cpu")
        assert got.get("TresPerJob") == ("gres:gpu:1" if on_gpu else None)


def in_slurms_unit(megabytes: int) -> str:
    """Write memory as Slurm does: in gigabytes if they are whole."""
    return f"{megabytes}M" if megabytes % 1024 else f"{megabytes // 1024}G"


def minutes(limit: str) -> int:
    """Read ``[days-]hours:minutes:seconds``."""
    days, _, rest = limit.rpartition("-")
    hours, minute, _ = map(int, rest.split(":"))
    return (24 * int(days or 0) + hours) * 60 + minute


def test_a_person_can_tell_the_jobs_apart_by_the_command_of_the_page(workspace, cluster):
    page = (REPOSITORY / "docs" / "cluster.md").read_text()
    (command,) = re.findall(r"^squeue --me .*Comment.*$", page, re.MULTILINE)
    listed = subprocess.check_output(f"{command} --states=all", shell=True, text=True)
    for job in submissions(workspace.told):
        (line,) = re.findall(rf"^{job.id} .*$", listed, re.MULTILINE)
        assert f"rule_{job.rule}_wildcards_{job.wildcards}" in line
    names = {job["JobName"] for job in cluster.jobs(workspace.folder).values()}
    assert len(names) == 1
    assert names.pop().startswith("l2rw_")


def test_logs_lie_where_snakemake_says(workspace, cluster):
    jobs = cluster.jobs(workspace.folder)
    for job in submissions(workspace.told):
        assert job.log == workspace.folder / "logs/slurm" / f"rule_{job.rule}" / job.wildcards / (
            f"{job.id}.log"
        )
        assert jobs[job.id]["StdOut"] == str(job.log)
    assert not list((workspace.folder / "logs/slurm").rglob("*.log"))  # only failed jobs keep it


def test_a_second_run_does_nothing(workspace):
    assert workspace.run(CONFIG) == []
