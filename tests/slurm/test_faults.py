"""What goes wrong on clusters goes wrong in one run: results are those of an undisturbed one."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.conftest import Workspace, jobs

from .conftest import CONFIG, Cluster
from .held import Held, hold, wait_for
from .on_slurm import SlurmWorkspace, results, submissions

pytestmark = pytest.mark.slurm

FIGURE2 = CONFIG | {"targets": ["figure2"]}


class Story:
    """One run of the workflow on Slurm, and all that befalls it."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.cluster = cluster
        self.workspace = SlurmWorkspace(folder, CONFIG["name"])
        self._told = folder / "told.log"
        with self._told.open("w") as file:
            command = self.workspace.command(FIGURE2)
            self.snakemake = subprocess.Popen(command, stderr=file)

    @property
    def told(self) -> str:
        """What Snakemake has told."""
        return self._told.read_text()

    def attempts(self, cell: str) -> list[dict[str, str]]:
        """Return what Slurm knows of the jobs of a cell."""
        wildcards, known = f"{cell}_0".replace("/", "_"), self.cluster.jobs(self.workspace.folder)
        return [known[job.id] for job in submissions(self.told) if job.wildcards == wildcards]

    def went_on_after(self, cell: str) -> int:
        """Return the step after which the last attempt went on."""
        log = self.workspace.folder / "logs" / CONFIG["name"] / "train" / cell / "seed-0.log"
        (step,) = re.findall(r"continues after step (\d+)$", log.read_text(), re.MULTILINE)
        return int(step)

    def result(self, cell: str) -> Path:
        return self.workspace.results / "runs" / cell / "seed-0" / "result.json"


@pytest.fixture
def story(cluster: Cluster, undisturbed: Workspace, tmp_path: Path) -> Iterator[Story]:
    story = Story(tmp_path, cluster)
    yield story
    story.snakemake.kill()


def test_nothing_is_lost_whatever_happens(story, undisturbed):
    hurried, *others = trained(undisturbed)
    held = {job.cell: job for job in hold(story.workspace, [hurried, *others])}
    (home,) = (job["NodeList"] for job in story.attempts(hurried))
    lost = next(cell for cell in others if story.attempts(cell)[0]["NodeList"] != home)
    (cancelled,) = set(others) - {lost}
    for cell in (hurried, cancelled):
        held[cell].checkpoint.unlink()  # they write another when they are told to end

    cancel(story, held[cancelled])
    lose_node(story, held[lost])
    meet_time_limit(story, held[hurried])

    (again,) = hold(story.workspace, [hurried])  # it is not to end before Snakemake does
    wait_for(lambda: story.told.count("(Rule: train)") == len(others))  # it knows they are done
    for cell in (hurried, cancelled):  # Slurm lets a stopped process go on, then tells it to end
        assert story.went_on_after(cell) > held[cell].step
    assert story.went_on_after(lost) == held[lost].step
    finished = {cell: story.result(cell).read_bytes() for cell in others}

    kill_snakemake(story)
    done = story.workspace.snakemake(FIGURE2)
    assert done.returncode == 0, done.stderr
    redone = [rule for rule in jobs(done.stderr) if rule != "bench"]  # which may have been done
    assert redone == ["draw", "judge", "metrics", "tabulate", "train"]
    assert story.went_on_after(hurried) > again.step
    assert {cell: story.result(cell).read_bytes() for cell in others} == finished

    found, expected = results(story.workspace), results(undisturbed)
    assert sum(name.endswith("network.safetensors") for name in found) == 3
    assert found == {name: expected[name] for name in found}


def trained(workspace: Workspace) -> list[str]:
    """Return the cells of Figure 2, L2RW first."""
    networks = (workspace.results / "runs").glob("*imbalance*/*/*/network.safetensors")
    cells = sorted(f"{path.parts[-4]}/{path.parts[-3]}" for path in networks)
    return sorted(cells, key=lambda cell: "l2rw" not in cell)


def cancel(story: Story, job: Held) -> None:
    """Cancel a job."""
    (first,) = story.attempts(job.cell)
    subprocess.run(["scancel", first["JobId"]], check=True)
    wait_for(lambda: len(story.attempts(job.cell)) == 2)
    assert story.attempts(job.cell)[0]["JobState"] == "CANCELLED"
    assert Path(first["StdOut"]).exists()


def lose_node(story: Story, job: Held) -> None:
    """Cut the power of a job's node; Slurm itself starts the job again."""
    node = story.attempts(job.cell)[0]["NodeList"].removeprefix("node")
    story.cluster.do("kill-node", node)
    wait_for(lambda: story.attempts(job.cell)[0]["Restarts"] == "1")
    story.cluster.do("revive-node", node)


def meet_time_limit(story: Story, job: Held) -> None:
    """Shorten a job's time to a minute, the least that Slurm can give; the next gets more."""
    (first,) = story.attempts(job.cell)
    subprocess.run(["scontrol", "update", f"jobid={first['JobId']}", "timelimit=1"], check=True)
    wait_for(lambda: len(story.attempts(job.cell)) == 2)
    shortened, second = story.attempts(job.cell)
    assert shortened["JobState"] == "TIMEOUT"
    assert minutes(second["TimeLimit"]) == 2 * minutes(first["TimeLimit"])


def minutes(limit: str) -> int:
    hours, minutes, _ = limit.split(":")
    return 60 * int(hours) + int(minutes)


def kill_snakemake(story: Story) -> None:
    """Kill Snakemake without warning, and clear up as docs/cluster.md says."""
    story.snakemake.kill()
    story.snakemake.wait()
    assert story.workspace.snakemake(FIGURE2).returncode != 0  # the folder is locked
    (run,) = re.findall(r"^SLURM run ID: (\S+)$", story.told, re.MULTILINE)
    listed = ["squeue", "--noheader", "--name", run]
    assert subprocess.check_output(listed)
    subprocess.run(["scancel", "--name", run], check=True)
    wait_for(lambda: not subprocess.check_output(listed))
    assert story.workspace.snakemake(FIGURE2, "--unlock").returncode == 0
