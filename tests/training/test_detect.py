import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.plans import COMPUTE, made_up_cell

from l2rw.core.weights import reweighted_gradient_by_double_backward
from l2rw.data.splits import Split
from l2rw.store.checksums import verify, with_checksums
from l2rw.store.errors import UserError
from l2rw.store.files import write_json
from l2rw.training.detect import Look, run_detectors
from l2rw.training.engine.batches import ImageStore
from l2rw.training.engine.network import build_network
from l2rw.training.trained import save_trained

SHAPE, CPU = (1, 8, 8), torch.device("cpu")


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8", "wrn_8x8"])
def test_predictions_are_those_of_the_network(make_spec, make_split, digits, model):
    network = build_network(make_spec(model=model), SHAPE, 10)
    values, part = network.initial_values(0), make_split(0, "uniform_flip").validation
    images = ImageStore(digits.train_images, digits.info.pixel_range, CPU)
    seen = Look(network, images, 8, 4).predictions(values, part)
    logits = network.predict(*values, images[torch.from_numpy(part.indices)])
    np.testing.assert_allclose(seen.log_p, logits.double().log_softmax(1), atol=1e-6)
    # The features are what the output layer makes its logits of.
    made = torch.from_numpy(seen.features).float() @ values[0]["output.weight"].T
    made += values[0]["output.bias"]
    torch.testing.assert_close(made, logits, rtol=1e-4, atol=1e-5)


def test_mean_weights_are_those_of_algorithm_1(make_spec, make_split, digits):
    network = build_network(make_spec("l2rw"), SHAPE, 10)
    split, (parameters, _) = make_split(0, "uniform_flip"), network.initial_values(0)
    images = ImageStore(digits.train_images, digits.info.pixel_range, CPU)
    # Batches of all examples: every one of them gives every example its weight.
    n, m = len(split.validation), len(split.clean)
    mean = Look(network, images, n, m).mean_weights(parameters, split, 0)

    def examples(part):
        return images[torch.from_numpy(part.indices)], torch.from_numpy(part.labels)

    expected = reweighted_gradient_by_double_backward(
        lambda at: network.losses(at, *examples(split.validation)),
        lambda at: network.losses(at, *examples(split.clean))[0].mean(),
        parameters,
    )
    np.testing.assert_allclose(mean, n * expected.weights, rtol=1e-3, atol=1e-4)


@pytest.fixture
def job(tmp_path, digits, make_split, make_spec, corruptions):
    """Files and arguments of a job on networks that were never trained."""

    def job(method="l2rw", noise=0.4):
        corruption = replace(corruptions["uniform_flip"], noise=noise)
        spec = make_spec(method)
        digits.save(tmp_path / "digits.npz")
        paths = [tmp_path / f"{seed}.npz" for seed in (0, 1)]
        for seed, path in enumerate(paths):
            corruption.split(digits.train_labels, digits.test_labels, seed).save(path)
        network = build_network(spec, SHAPE, 10)
        trained = tmp_path / "network.safetensors"
        save_trained(trained, {s: network.initial_values(s)[0] for s in (0, 1)})
        write_json(tmp_path / "result.json", with_checksums({}, [trained]))
        cell = replace(made_up_cell("cell", {}), spec=spec, corruption=corruption)
        out = tmp_path / "detectors.csv"
        return (cell, COMPUTE, range(2), tmp_path / "digits.npz", paths, trained, out)

    return job


@pytest.mark.parametrize("method", ["baseline", "l2rw"])
def test_a_job_writes_a_line_for_each_detector_and_seed(job, method):
    arguments = job(method)
    run_detectors(*arguments)
    out = arguments[-1]
    verify(out, out.with_suffix(".json"))
    lines = list(csv.DictReader(out.read_text().splitlines()))
    names = {line["detector"] for line in lines} - {"confident learning"}
    assert names == {"loss", "margin", "influence", *["weight"] * (method == "l2rw")}
    assert {line["seed"] for line in lines} == {"0", "1"}
    assert {line["wrong"] for line in lines} == {"40"}
    assert all(0 <= float(line["auc"]) <= 1 for line in lines)


def test_where_all_labels_are_right_there_is_nothing_to_find(job):
    with pytest.raises(UserError, match=r"no wrong labels.* Hint: compare"):
        run_detectors(*job(noise=0.0))


def test_where_nobody_knows_what_is_wrong_nobody_is_judged(job):
    arguments = job()
    (first, *_) = arguments[4]
    split = Split.load(first)
    unknown = replace(split.validation, truth_is_known=np.zeros(len(split.validation), dtype=bool))
    replace(split, validation=unknown).save(first)
    with pytest.raises(UserError, match="Nobody knows which labels of digits are wrong"):
        run_detectors(*arguments)
