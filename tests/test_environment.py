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
]


@pytest.fixture(scope="module")
def environment():
    listed = yaml.safe_load((REPOSITORY / "environment.yml").read_text())["dependencies"]
    by_pip = [line for entry in listed if isinstance(entry, dict) for line in entry["pip"]]
    by_conda = [entry for entry in listed if isinstance(entry, str)]
    found = [Requirement(line) for line in by_conda + by_pip]
    return {requirement.name: requirement.specifier for requirement in found}


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.name)
def test_environment_yml_has_the_lower_bound_of_pyproject(environment, needed):
    name = CONDA_NAMES.get(needed.name, needed.name)
    assert environment.get(name) == needed.specifier, (
        f"edit environment.yml: pyproject.toml asks for {name}{needed.specifier}, "
        f"environment.yml has {environment.get(name, 'nothing')}"
    )
