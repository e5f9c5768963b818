"""Who may import what: the idea PyTorch alone, the rest what pyproject.toml lists."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import l2rw
from l2rw.commands.pipeline import IMPORTED
from l2rw.config.documents import REPOSITORY
from l2rw.core import reweighter
from l2rw.store.provenance import PACKAGE

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def imported(folder):
    """Full names of the modules that the files of a folder import from outside the library."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def test_the_core_imports_pytorch_and_itself():
    assert {name.partition(".")[0] for name in imported(PACKAGE / "core")} == {"torch", "l2rw"}
    ours = {name for name in imported(PACKAGE / "core") if name.startswith("l2rw")}
    assert all(name.startswith("l2rw.core.") for name in ours)


def test_each_package_that_is_imported_is_asked_for_where_it_belongs():
    for_types = {"_typeshed"}  # known to type checkers alone
    roots = {name.partition(".")[0] for name in imported(PACKAGE)} - {"l2rw"} - for_types
    assert roots == IMPORTED | {"torch", "pyarrow", "cleanlab", "higher", "torchopt"}

    extras = PROJECT["optional-dependencies"]
    homes = {
        "torch": PROJECT["dependencies"],
        "pyarrow": extras["parquet"],
        "cleanlab": extras["cleanlab"],
        **dict.fromkeys(("higher", "torchopt"), extras["peers"]),
        **dict.fromkeys(IMPORTED, extras["pipeline"]),
    }
    distributions = packages_distributions()
    for name, home in homes.items():
        asked = {canonicalize_name(Requirement(line).name) for line in home}
        if name in distributions:  # those of other extras need not be
            assert asked & set(map(canonicalize_name, distributions[name])), f"ask for {name}"


def test_reweighter_is_a_name_of_the_package():
    assert l2rw.Reweighter is reweighter.Reweighter
    assert "Reweighter" in dir(l2rw)
    assert not hasattr(l2rw, "Reweighted")


def test_help_needs_no_pytorch_nor_numpy():
    program = """
import sys
from l2rw.commands.main import main
try:
    main(["--help"])
finally:
    print({"torch", "numpy"} & set(sys.modules), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == "set()\n"
