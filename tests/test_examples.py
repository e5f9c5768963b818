"""The examples run, are short, and print what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NEEDS = {
    "tabular_adam": [],
    "text_lstm": [],
    "segmentation": [],
    "huggingface_trainer": ["transformers", "accelerate"],
    "lightning_manual": ["lightning"],
}
GAIN = re.compile(r"gain: [+-]\d\.\d{3} ± \d\.\d{3} \(mean and 95 % interval of 2 seeds\)")


def run(name, *options):
    for needed in NEEDS[name]:
        pytest.importorskip(needed, reason=f"{needed} is in the extra `networks`")
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NEEDS)
def test_an_example_prints_a_line_for_each_seed_and_the_gain(name):
    header, *lines, gain = run(name, "--steps", "4", "--seeds", "2")
    assert header.split() == ["seed", "accuracy:", "plain", "L2RW"]
    rows = [[float(cell) for cell in line.split()] for line in lines if "suspects" not in line]
    assert [row[0] for row in rows] == [0, 1]
    for _, plain, ours in rows:
        assert 0 <= plain <= 1
        assert 0 <= ours <= 1
    assert GAIN.fullmatch(gain)


@pytest.mark.slow
@pytest.mark.networks
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in NEEDS if name != "text_lstm"])
def test_an_example_gains(name):
    gain = run(name, "--seeds", "2")[-1]
    assert float(gain.split()[1]) > 0.05


@pytest.mark.parametrize("name", NEEDS)
def test_an_example_is_short(name):
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) < 60


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*NEEDS, "common", "doubtful_labels"}
