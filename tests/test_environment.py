"""environment.yml has the packages of pyproject.toml, and the package itself."""

import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from l2rw.config.documents import REPOSITORY

CONDA_NAMES = {"torch": "pytorch"}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
NEEDED = [
    Requirement(f"python{PROJECT['requires-python']}"),
    *map(Requirement, PROJECT["dependencies"]),
    *map(Requirement, PROJECT["optional-dependencies"]["pipeline"]),
]
# Packages of conda have no extras: what is asked for with one is left to pip.
BY_CONDA = [requirement for requirement in NEEDED if not requirement.extras]
ENVIRONMENT = yaml.safe_load((REPOSITORY / "environment.yml").read_text())


@pytest.fixture(scope="module")
def listed():
    by_conda = [Requirement(e) for e in ENVIRONMENT["dependencies"] if isinstance(e, str)]
    return {requirement.name: requirement.specifier for requirement in by_conda}


@pytest.mark.parametrize("needed", BY_CONDA, ids=lambda needed: needed.name)
def test_environment_yml_has_the_lower_bound_of_pyproject(listed, needed):
    name = CONDA_NAMES.get(needed.name, needed.name)
    assert listed.get(name) == needed.specifier, (
        f"edit environment.yml: pyproject.toml asks for {name}{needed.specifier}, "
        f"environment.yml has {listed.get(name, 'nothing')}"
    )


def test_environment_yml_lists_nothing_else(listed):
    names = {CONDA_NAMES.get(needed.name, needed.name) for needed in BY_CONDA}
    assert set(listed) == {*names, "pip"}


def test_environment_yml_installs_the_package_with_its_pipeline():
    """By pip, which conda runs in the folder of environment.yml."""
    (by_pip,) = [e["pip"] for e in ENVIRONMENT["dependencies"] if isinstance(e, dict)]
    assert by_pip == ["-e .[pipeline]"]
