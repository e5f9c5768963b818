"""Results are known numbers: who changes what a run computes must say so.

If this fails and results were meant to change, raise ``RESULTS_REVISION`` in
src/l2rw/store/identity.py, so that no older result passes for a new one, and write the numbers
anew: ``pytest tests/training/test_golden.py --golden``.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from l2rw.methods import METHODS
from l2rw.store.identity import RESULTS_REVISION

GOLDEN = Path(__file__).with_name("golden.json")
CASES = [
    ("lenet_8x8", "imbalance"),
    ("resnet_8x8", "background_flip"),
    ("wrn_8x8", "uniform_flip"),
]
NEEDS_VALIDATION = {name for name, record in METHODS.items() if record.needs_validation}


def cases():
    for model, corruption in CASES:
        for method in METHODS:
            if not (corruption == "imbalance" and method in NEEDS_VALIDATION):
                yield f"{model}, {corruption}, {method}", model, corruption, method
    yield "resnet18, background_flip, l2rw", "resnet18", "background_flip", "l2rw"
    yield "resnet_8x8, background_flip, fine-tuning", "resnet_8x8", "background_flip", None


@pytest.fixture(scope="module")
def golden(request):
    """The known numbers; those that a case adds are written if pytest was asked to."""
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"runs": {}}
    if request.config.getoption("--golden"):
        known = {"revision": RESULTS_REVISION, "runs": {}}
    yield known
    if request.config.getoption("--golden"):
        GOLDEN.write_text(json.dumps(known, indent=1) + "\n")


@pytest.mark.parametrize(("name", "model", "corruption", "method"), list(cases()), ids=str)
def test_a_short_run_gives_the_known_numbers(
    name, model, corruption, method, golden, prepare, make_spec, request
):
    changes = {"model": model, "weight_decay": 1e-3, "crop_padding": 1, "mirror": True}
    if model == "resnet18":
        changes["learning_rate"] = 1e-3  # larger steps are chaotic
    spec = make_spec(method or "clean_only", **changes, decay_at=[4])
    training = prepare(replace(spec, fine_tunes=method is None), 3, corruption=corruption)
    (run,) = training.run(lambda state: None)
    last = run.history[-1]
    numbers = {
        "train_loss": last.train_loss,
        "test_loss": last.test_loss,
        "squared_clean_gradient": last.squared_clean_gradient,
        "first_weights": run.mean_weights[:3].tolist(),
    }
    if request.config.getoption("--golden"):
        golden["runs"][name] = json.loads(json.dumps(numbers).replace("NaN", "null"))
    expected = golden["runs"][name]
    message = "results changed: see the docstring of this file"
    for key in ("train_loss", "test_loss", "squared_clean_gradient"):
        assert numbers[key] == pytest.approx(expected[key], rel=1e-3), message
    weights = [float("nan") if w is None else w for w in expected["first_weights"]]
    assert numbers["first_weights"] == pytest.approx(weights, rel=1e-2, nan_ok=True), message


def test_the_known_numbers_are_of_this_revision(golden):
    assert golden["revision"] == RESULTS_REVISION, "write the numbers anew, see above"
