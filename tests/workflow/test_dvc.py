"""DVC beside Snakemake: a project of its own, with the real dvc.yaml, on a very small demo."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from l2rw.planning.table import read_config

from .conftest import REPOSITORY, TINY, edit, jobs, place_timings

pytestmark = pytest.mark.workflow

DEMO = TINY | {"name": "demo", "compute": {"seeds_per_job": 2, "checkpoint_seconds": 0.0}}
OTHER = edit(DEMO, methods=["baseline", "l2rw", "random"])
STAGE = "reproduce@demo"


class Project:
    """A clone of the repository, with DVC set up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results" / "demo"

    def run(self, *command: str, code: int | None = 0) -> str:
        """Run a program of the environment and return what it says."""
        done = subprocess.run(self.command(*command), **self.options(), check=False, text=True)
        assert code is None or done.returncode == code, done.stdout
        return done.stdout

    def command(self, program: str, *arguments: str) -> list[str]:
        found = Path(sys.executable).with_name(program)
        return [str(found if found.exists() else program), *arguments]

    def options(self):
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "src"),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.folder.parent / "site-cache"),
        }
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return {"cwd": self.folder, "env": environment, **streams}

    def configure(self, config) -> None:
        (self.folder / "config" / "demo.yaml").write_text(yaml.safe_dump(config))

    def reproduce(self) -> list[str]:
        """Run the stage and return the rules of the jobs that ran."""
        return jobs(self.run("dvc", "repro", STAGE))

    def planned(self) -> list[str]:
        """Return the rules of the jobs that plain Snakemake would run."""
        options = ("--cores", "2", "--configfile", "config/demo.yaml", "--dry-run")
        return jobs(self.run("snakemake", *options))

    def status(self) -> dict:
        return json.loads(self.run("dvc", "status", "--json", STAGE, code=None))

    def commit(self, message: str) -> None:
        person = ("-c", "user.name=Tester", "-c", "user.email=tester@localhost")
        self.run("git", "add", "--all")
        self.run("git", *person, "commit", "--quiet", "--message", message)

    def contents(self, *folders: str) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.results)): path.read_bytes()
            for folder in folders
            for path in sorted((self.results / folder).rglob("*"))
            if path.is_file()
        }

    def cloned(self, folder: Path) -> "Project":
        """Return a colleague's clone, with everything pulled."""
        self.run("git", "clone", "--quiet", str(self.folder), str(folder))
        clone = Project(folder)
        clone.run("dvc", "pull", "--quiet", STAGE)
        return clone


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project in which the demo was reproduced, committed and pushed; not to be changed."""
    folder = tmp_path_factory.mktemp("dvc") / "project"
    known = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    files = subprocess.run(known, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in files.stdout.splitlines():
        if (REPOSITORY / name).is_file() and not name.startswith(("tests/", ".dvc/", "dvc.lock")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    made = Project(folder)
    made.configure(DEMO)
    made.run("git", "init", "--quiet")
    made.run("dvc", "init", "--quiet")
    made.run("dvc", "remote", "add", "--default", "store", str(folder.parent / "store"))
    place_timings(made.results, DEMO)
    made.first_jobs = made.reproduce()
    made.commit("Demo")
    made.run("dvc", "push", "--quiet", STAGE)
    return made


@pytest.fixture
def clone(project, tmp_path) -> Project:
    return project.cloned(tmp_path / "clone")


def test_the_first_time_everything_runs_and_then_nothing(project):
    assert project.first_jobs.count("train") == 2
    assert "didn't change, skipping" in project.run("dvc", "repro", STAGE)
    assert project.status() == {}


def test_a_colleague_who_pulls_has_nothing_to_do(project, clone):
    assert clone.status() == {}
    assert "didn't change, skipping" in clone.run("dvc", "repro", STAGE)
    assert clone.planned() == []
    assert clone.status() == {}
    folders = ("data", "splits", "runs", "tables", "figures")
    assert clone.contents(*folders) == project.contents(*folders)


def test_a_changed_setting_trains_its_cells_and_changed_back_nothing(clone):
    before = clone.contents("tables", "figures")
    clone.configure(OTHER)
    assert clone.planned().count("train") == 1
    assert clone.reproduce().count("train") == 1
    clone.commit("One method more")
    clone.configure(DEMO)
    assert "train" not in clone.reproduce()
    assert clone.contents("tables", "figures") == before

    clone.run("git", "checkout", "--quiet", "HEAD~1", "--", ".")
    clone.run("dvc", "checkout", "--quiet", STAGE)
    assert clone.status() == {}
    assert clone.contents("tables", "figures") == before
    assert clone.planned() == []
    clone.run("git", "checkout", "--quiet", "HEAD", "--", ".")
    clone.run("dvc", "checkout", "--quiet", STAGE)
    assert clone.status() == {}
    assert "Random" in (clone.results / "tables/figure2.md").read_text()
    assert clone.planned() == []


def test_who_runs_snakemake_alone_records_it_with_one_command(clone):
    shown = clone.run("dvc", "metrics", "show", "results/demo/metrics.json")
    assert "figure2.0.8, baseline" in shown
    assert "failed to load" not in shown
    clone.configure(edit(DEMO, seeds=3))
    options = ("--cores", "2", "--configfile", "config/demo.yaml")
    assert jobs(clone.run("snakemake", *options)).count("train") == 2
    assert clone.status()
    clone.run("dvc", "commit", "--force", STAGE)
    assert clone.status() == {}
    assert "didn't change, skipping" in clone.run("dvc", "repro", STAGE)
    assert "figure2.0.8, baseline" in clone.run("dvc", "metrics", "diff")


def test_what_is_damaged_is_named_and_enters_no_figure(clone):
    (metrics, *_) = (clone.results / "runs").rglob("metrics.csv")
    result = metrics.with_name("result.json")
    text = result.read_text()
    result.write_text(text.replace('"test_error": 0.', '"test_error": 0.1', 1))
    assert str(result.parent.parent.name) in clone.run("dvc", "diff", code=None)
    (clone.results / "tables" / "figure2.csv").unlink()
    said = clone.run("dvc", "repro", STAGE, code=None)
    assert f"{result.relative_to(clone.folder)} is missing, damaged or was changed" in said
    assert "Hint: delete" in said
    clone.run("dvc", "checkout", "--force", "--quiet", STAGE)
    assert result.read_text() == text
    assert clone.status() == {}


@pytest.mark.long
def test_after_a_kill_the_next_run_goes_on(clone):
    longer = DEMO["experiments"]["figure2"]["training"] | {"steps": 300}
    clone.configure(edit(DEMO, training=longer, methods=["baseline"]))
    command = clone.command("dvc", "repro", STAGE)
    with subprocess.Popen(command, **clone.options(), start_new_session=True) as process:
        give_up = time.monotonic() + 120
        while not list((clone.folder / "checkpoints").rglob("*.safetensors")):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    checkpoints = list((clone.folder / "checkpoints").rglob("*.safetensors"))
    assert checkpoints
    said = clone.run("dvc", "repro", STAGE, code=None)
    if "--unlock" in said:
        clone.run("snakemake", "--cores", "1", "--configfile", "config/demo.yaml", "--unlock")
        said = clone.run("dvc", "repro", STAGE)
    assert jobs(said).count("train") == 1
    assert clone.status() == {}


@pytest.mark.s3
def test_a_store_may_speak_s3(project, clone, tmp_path, monkeypatch):
    boto3, server = pytest.importorskip("boto3"), pytest.importorskip("moto.server")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    try:
        host, port = running.get_host_and_port()
        url = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="bucket")
        clone.run("dvc", "remote", "add", "--default", "cloud", "s3://bucket/folder")
        clone.run("dvc", "remote", "modify", "cloud", "endpointurl", url)
        clone.commit("Another store")
        clone.run("dvc", "push", "--quiet", STAGE)
        other = clone.cloned(tmp_path / "other")
        assert other.status() == {}
        assert other.contents("runs", "figures") == project.contents("runs", "figures")
    finally:
        running.stop()


def test_every_stage_is_named_after_its_configuration():
    declared = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    for name, file in declared["stages"]["reproduce"]["foreach"].items():
        assert read_config([REPOSITORY / file]).name == name


def test_the_stage_has_everything_that_people_open():
    declared = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    (outputs,) = (stage["do"]["outs"] for stage in declared["stages"].values())
    kept = {name for output in outputs for name in output}
    assert {f"results/${{key}}/{name}" for name in ("figures", "tables", "index.html")} <= kept
