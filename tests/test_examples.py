"""The examples run, and print what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("name", ["tabular_adam", "text_lstm"])
def test_an_example_prints_a_line_for_each_seed(name):
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", "--steps", "4", "--seeds", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    header, *lines = done.stdout.splitlines()
    assert header.split()[:4] == ["seed", "accuracy:", "plain", "L2RW"]
    rows = [[float(cell) for cell in line.split()] for line in lines]
    assert [row[0] for row in rows] == [0, 1]
    for _, plain, ours, *weights in rows:
        assert 0 <= plain <= 1
        assert 0 <= ours <= 1
        assert len(weights) == 2
        assert sum(weights) > 0
        assert min(weights) >= 0


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"tabular_adam", "text_lstm"}
