"""What `pip install` without extras brings: Reweighter, on PyTorch alone."""

import re
import subprocess
import sys
from importlib.metadata import distributions

import pytest

from l2rw.commands.pipeline import IMPORTED
from l2rw.config.documents import REPOSITORY
from tests import installed
from tests.away.conftest import write_plan

pytestmark = pytest.mark.slow
pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
# Importing pip, or looking for its module, would make setuptools refuse to load in this process.
if not list(distributions(name="pip")):
    pytest.skip("pip, which installs the wheel, is not installed", allow_module_level=True)

BEFORE = """
import torch
from torch import nn
from torch.utils.data import TensorDataset

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
before = [parameter.clone() for parameter in model.parameters()]
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = TensorDataset(torch.randn(20, 5), torch.randint(2, (20,)))
(inputs, targets), (clean_inputs, clean_targets) = data[:10], data[10:14]
"""
AFTER = """
optimizer.step()
assert weights.shape == (10,)
assert abs(weights.sum().item() - 1) < 1e-6
assert not any(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, check=True, cwd=REPOSITORY, capture_output=True)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def alone(tmp_path_factory, wheel):
    """The environment of somebody who trains elsewhere."""
    return installed.create(tmp_path_factory.mktemp("alone") / "environment", wheel, "torch")


def test_the_wheel_asks_for_torch_alone(alone, tmp_path):
    listed = "from importlib.metadata import requires; print(*requires('l2rw'), sep='\\n')"
    told = alone.run("python", "-c", listed, cwd=tmp_path).stdout.splitlines()
    (needed,) = [line for line in told if "extra ==" not in line]
    assert needed.startswith("torch>=")


def test_nothing_of_the_pipeline_is_there(alone, tmp_path):
    names = sorted(IMPORTED | {"snakemake", "dvc", "pyarrow"})
    find = f"from importlib.util import find_spec; print([n for n in {names} if find_spec(n)])"
    # PyTorch itself requires these.
    assert alone.run("python", "-c", find, cwd=tmp_path).stdout == "['filelock', 'jinja2']\n"


def test_the_snippet_of_the_readme_trains(alone, tmp_path):
    readme = (REPOSITORY / "README.md").read_text()
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    (tmp_path / "train.py").write_text(BEFORE + snippet + AFTER)
    done = alone.run("python", "train.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_command_says_what_to_install(alone, tmp_path):
    assert alone.run("l2rw", "--help", cwd=tmp_path).returncode == 0
    done = alone.run("l2rw", "plan", cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(
        r"Error: This command needs the pipeline: No module named '\w+'\. "
        r"Hint: install it with `pip install '\.\[pipeline\]'` in a clone of the repository\.\n",
        done.stderr,
    )


def test_run_for_trains_where_the_configuration_s_libraries_are_absent(
    tmp_path_factory, wheel, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    plan = write_plan(seeds=1)
    packages = ("torch", "numpy", "safetensors", "scikit-learn")
    lent = installed.create(tmp_path_factory.mktemp("lent") / "environment", wheel, *packages)
    assert lent.run("python", "-c", "import pydantic", cwd=tmp_path).returncode == 1
    done = lent.run("l2rw", "run-for", 5, plan, "--only", "l2rw", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(tmp_path.glob("results/tiny/runs/*/l2rw-*/seed-0/result.json"))) == 1
