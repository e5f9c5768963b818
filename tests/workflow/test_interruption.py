import os
import signal
import subprocess
import time
from glob import glob

import pytest

from .conftest import TINY, Workspace, place_timings

pytestmark = [pytest.mark.workflow, pytest.mark.long]

# After every step, so that there is something to go on from.
EAGER = TINY | {"compute": {"checkpoint_seconds": 0.0}}


def kill_amid_second_training(workspace: Workspace) -> str:
    """Run one job after the other, kill all processes at once, and return Snakemake's log."""
    log = workspace.folder / "killed.log"
    command = workspace.command(EAGER, "--cores", "1")
    with (
        log.open("w") as file,
        subprocess.Popen(command, stderr=file, start_new_session=True) as process,
    ):
        give_up = time.monotonic() + 180
        while not (list(workspace.results.rglob("result.json")) and checkpoints(workspace)):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
    return log.read_text()


def checkpoints(workspace: Workspace) -> set[str]:
    """Return those of jobs without results; folders may vanish meanwhile."""
    pattern = "checkpoints/tiny/*/*/*.safetensors"
    kept = glob(pattern, root_dir=workspace.folder)  # noqa: PTH207
    jobs = {path.removeprefix("checkpoints/tiny/").removesuffix(".safetensors") for path in kept}
    return {job for job in jobs if not (workspace.results / "runs" / job / "result.json").exists()}


def test_after_a_kill_finished_jobs_stay_and_the_others_go_on(finished, tmp_path):
    workspace = Workspace(tmp_path)
    place_timings(workspace.results, EAGER)
    log = kill_amid_second_training(workspace)
    assert checkpoints(workspace)
    kept = {path: path.read_bytes() for path in workspace.results.rglob("result.json")}
    assert kept
    assert log.count("(Rule: train)") == len(kept)

    locked = workspace.snakemake(EAGER)
    assert locked.returncode != 0
    assert "--unlock" in locked.stderr
    assert workspace.snakemake(EAGER, "--unlock").returncode == 0
    assert workspace.run(EAGER) == sorted(
        ["train"] * (4 - len(kept))
        + ["corrupt"] * (2 - log.count("(Rule: corrupt)"))
        + ["tabulate", "draw", "metrics", "judge"]
    )

    assert {path: path.read_bytes() for path in kept} == kept
    for path in (finished.results / "runs").rglob("metrics.csv"):
        again = workspace.results / path.relative_to(finished.results)
        assert again.read_bytes() == path.read_bytes()
    assert not list((tmp_path / "checkpoints").rglob("*.safetensors*"))
