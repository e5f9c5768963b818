import os
import re
import shutil
import subprocess

import pytest

from l2rw.store import provenance


def test_the_source_hash_follows_the_code_that_computes_and_no_other(tmp_path, monkeypatch):
    copy = tmp_path / "l2rw"
    shutil.copytree(provenance.PACKAGE, copy)
    original = provenance.source_hash()
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    assert provenance.source_hash() == original

    (copy / "commands" / "main.py").write_text("# changed\n")
    assert provenance.source_hash() == original
    (copy / "core" / "weights.py").write_text("changed = True\n")
    changed = provenance.source_hash()
    assert changed != original
    (copy / "methods" / "new.py").write_text("new = True\n")
    assert provenance.source_hash() not in (original, changed)


def test_the_source_hash_does_not_see_where_code_lies_nor_how_lines_end(tmp_path, monkeypatch):
    copy = tmp_path / "l2rw"
    shutil.copytree(provenance.PACKAGE, copy)
    original = provenance.source_hash()
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    (copy / "methods" / "baseline.py").rename(copy / "models" / "renamed.py")
    code = (copy / "core" / "weights.py").read_text()
    elsewhere = code.replace("from torch.func import grad", "from torch.func import other, grad")
    assert elsewhere != code
    (copy / "core" / "weights.py").write_bytes(elsewhere.replace("\n", "\r\n").encode())
    assert provenance.source_hash() == original
    (copy / "core" / "weights.py").write_text(elsewhere.replace("clamp(min=0)", "clamp(min=1)"))
    assert provenance.source_hash() != original


@pytest.mark.parametrize(
    ("suffix", "counts"), [("py", True), ("csv", True), ("yaml", True), ("pyc", False)]
)
def test_the_source_of_a_room_is_code_and_data(tmp_path, monkeypatch, suffix, counts):
    copy = tmp_path / "l2rw"
    shutil.copytree(provenance.PACKAGE, copy)
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    original = provenance.source_hash(("analysis",))
    (copy / "analysis" / f"new.{suffix}").write_text("1")
    assert (provenance.source_hash(("analysis",)) != original) == counts


def test_every_room_exists():
    assert all((provenance.PACKAGE / name).exists() for name in provenance.PACKAGES_THAT_COMPUTE)


def test_outside_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.git_commit() is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid(), reason="only root may give away")
def test_a_repository_of_another_owner_tells_its_commit(tmp_path, monkeypatch):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init"], [*identity, "commit", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True, capture_output=True)
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 65534, 65534)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", provenance.git_commit())


def test_versions_name_python_and_the_libraries():
    versions = provenance.versions()
    assert set(versions) == {"python", *provenance.LIBRARIES}
    assert all(re.match(r"\d+\.", version) for version in versions.values())
