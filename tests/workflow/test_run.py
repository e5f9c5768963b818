"""`l2rw run` as people meet it."""

import base64
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from .conftest import TINY, Workspace, edit, place_timings

pytestmark = pytest.mark.workflow


def command(workspace: Workspace, config, *options: str) -> list[str]:
    (workspace.folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return [sys.executable, "-m", "l2rw", "run", "mine.yaml", "--cores", "2", *options]


def run(workspace: Workspace, config, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(workspace, config, *options),
        cwd=workspace.folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_says_what_is_done_and_names_the_page(workspace):
    done = run(workspace, TINY)
    assert done.returncode == 0, done.stderr
    assert "tiny: figure2. All 4 training jobs are done." in done.stdout
    assert done.stdout.splitlines()[-1] == "The page: results/tiny/index.html"
    assert (workspace.results / "index.html").exists()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(workspace):
    more = edit(TINY, methods=["baseline", "l2rw", "random"])
    told = run(workspace, more, "--dry-run")
    assert told.returncode == 0
    assert "2 of 6 training jobs remain: about a minute on 2 CPU cores" in told.stdout
    assert not list(workspace.results.glob("runs/*/random-*"))


def test_a_typo_in_the_name_of_the_file_is_a_sentence(tmp_path):
    workspace = Workspace(tmp_path)
    program = command(workspace, TINY)
    program[program.index("mine.yaml")] = "typo.yaml"
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: typo.yaml cannot be read as a configuration")
    assert "Traceback" not in done.stderr


def test_a_failing_job_says_its_last_sentence_and_its_log(workspace):
    training = TINY["experiments"]["figure2"]["training"] | {"learning_rate": 1e30}
    done = run(workspace, edit(TINY, training=training, methods=["baseline"], seeds=1))
    assert done.returncode == 2
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Failed: train")]
    assert "Hint: " in line
    (log,) = [line for line in done.stdout.splitlines() if line.startswith("  log: logs/tiny/")]
    assert (workspace.folder / log.removeprefix("  log: ")).exists()
    assert "exec l2rw train" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_silence_and_the_next_run_goes_on(tmp_path, number):
    workspace = Workspace(tmp_path)
    training = TINY["experiments"]["figure2"]["training"] | {"steps": 20_000}
    config = edit(TINY, training=training, methods=["l2rw"], seeds=1)
    config |= {"compute": {"checkpoint_seconds": 0.0}}
    place_timings(workspace.results, config)
    with subprocess.Popen(
        command(workspace, config),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as process:
        give_up = time.monotonic() + 180
        while not list(tmp_path.rglob("checkpoints/**/*.safetensors")):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)
        process.send_signal(number)
        told, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert errors == ""
    assert len(told.splitlines()) == 1
    assert list(tmp_path.rglob("checkpoints/**/*.safetensors"))
    assert not list(tmp_path.glob(".snakemake/locks/*"))


def test_what_a_kill_left_unrecorded_is_not_all_that_is_done(workspace):
    first, *others = sorted(workspace.results.glob("runs/*/*/seed-*"))
    for path in (*others, workspace.results / "tables", workspace.results / "figures"):
        shutil.rmtree(path)
    (workspace.results / "index.html").unlink()
    marks = workspace.folder / ".snakemake" / "incomplete"
    marks.mkdir(parents=True, exist_ok=True)
    for path in first.iterdir():
        name = path.relative_to(workspace.folder).as_posix()
        (marks / base64.b64encode(name.encode()).decode()).touch()
    done = run(workspace, TINY)
    assert done.returncode == 0, done.stdout
    assert (workspace.results / "index.html").exists()
    assert workspace.planned(TINY) == []
