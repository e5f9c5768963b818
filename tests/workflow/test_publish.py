"""What is published of results: enough to read, to check, and to go on from."""

import re
import shutil

import pytest
import yaml

from l2rw.commands.main import main

from .conftest import TINY, Workspace, edit, jobs

pytestmark = pytest.mark.workflow


@pytest.fixture
def published(workspace, monkeypatch):
    monkeypatch.chdir(workspace.folder)
    assert main(["publish", "overlay.yaml", "--out", "docs/tiny"]) == 0
    return workspace.folder / "docs" / "tiny"


def test_the_page_has_all_that_it_links(published):
    page = (published / "REPRODUCTION.md").read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page) if "://" not in link]
    assert any("result.json" in link for link in links)
    assert any(link.endswith(".svg") for link in links)
    assert all((published / link).exists() for link in links)


def test_it_is_judged_as_the_results_are(workspace, published):
    assert (published / "claims.csv").read_text() == (workspace.results / "claims.csv").read_text()


def test_neither_networks_nor_data_are_published(published):
    assert {path.suffix for path in published.rglob("*") if path.is_file()} == {
        *(".csv", ".md", ".html", ".json", ".svg", ".png")
    }


def test_its_runs_count_as_trained(published, tmp_path):
    colleague = Workspace(tmp_path / "colleague")
    shutil.copytree(published / "runs", colleague.results / "runs")
    assert "train" not in colleague.planned(TINY)
    more = edit(TINY, seeds=3)
    assert set(colleague.run(more, "--until", "corrupt")) == {"fetch", "corrupt"}
    assert colleague.planned(more).count("train") == 2


def test_incomplete_results_are_refused(workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace.folder)
    (workspace.folder / "more.yaml").write_text(yaml.safe_dump(edit(TINY, seeds=3)))
    assert main(["publish", "more.yaml", "--out", "docs/tiny"]) == 2
    assert "are not complete. Hint: " in capsys.readouterr().err
    assert not (workspace.folder / "docs" / "tiny").exists()


def test_timings_that_nothing_else_asks_for_are_asked_for_by_name(workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace.folder)
    slower = TINY | {"compute": {"threads": 2}}
    (workspace.folder / "slower.yaml").write_text(yaml.safe_dump(slower))
    assert main(["publish", "slower.yaml", "--out", "docs/tiny"]) == 2
    named = re.search(r"run `snakemake (\S+) --cores 1`", capsys.readouterr().err)
    assert named is not None
    planned = workspace.snakemake(slower, named[1], "--dry-run")
    assert jobs(planned.stdout + planned.stderr) == ["bench"]


def test_stale_results_are_refused_and_what_was_published_is_kept(workspace, published, capsys):
    before = {path: path.read_bytes() for path in published.rglob("*") if path.is_file()}
    (workspace.results / "figures" / "figure2.json").write_text('{"plan": "0ther"}')
    (workspace.results / "tables" / "figure2.md").write_text("changed")
    assert main(["publish", "overlay.yaml", "--out", "docs/tiny"]) == 2
    assert "to another plan" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in published.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("place", [".", "runs", "tables/deep", "../other"])
def test_results_are_not_published_onto_results(workspace, place, monkeypatch, capsys):
    monkeypatch.chdir(workspace.folder)
    (workspace.results.parent / "other" / "plan").mkdir(parents=True)
    assert main(["publish", "overlay.yaml", "--out", str(workspace.results / place)]) == 2
    assert "belongs to results themselves. Hint: " in capsys.readouterr().err
