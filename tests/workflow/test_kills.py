"""Everything is killed at random moments, again and again; what is whole in the end is right."""

import os
import random
import signal
import subprocess

import pytest

from .conftest import TINY, Workspace, place_timings

pytestmark = [pytest.mark.workflow, pytest.mark.long]

KILLS = 6
LONGEST = 12.0
"""Seconds: about what the whole run takes on an idle machine."""
EAGER = TINY | {"compute": {"checkpoint_seconds": 0.0}}


def run_for(workspace: Workspace, seconds: float) -> bool:
    """Run the workflow, kill all its processes after a while; return whether it ended before."""
    with subprocess.Popen(
        workspace.command(EAGER, "--rerun-incomplete"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return False
    assert process.returncode == 0, errors.decode()
    return True


@pytest.mark.parametrize("seed", range(4))
def test_what_a_killed_workflow_leaves_ends_as_what_an_undisturbed_one_makes(
    finished, tmp_path, seed
):
    workspace, moments = Workspace(tmp_path), random.Random(seed)
    place_timings(workspace.results, EAGER)
    ended = False
    for _ in range(KILLS):
        ended = run_for(workspace, moments.uniform(1.0, LONGEST))
        assert workspace.snakemake(EAGER, "--unlock").returncode == 0
    if not ended:
        workspace.run(EAGER, "--rerun-incomplete")
    assert workspace.planned(EAGER) == []
    for kind in ("runs/**/metrics.csv", "runs/**/suspects.csv", "figures/*.csv", "tables/*.csv"):
        made = sorted(finished.results.glob(kind))
        assert made
        for path in made:
            again = workspace.results / path.relative_to(finished.results)
            assert again.read_bytes() == path.read_bytes()
