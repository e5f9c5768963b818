import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.plans import COMPUTE, made_up_cell

from l2rw.core.weights import reweighted_gradient_by_double_backward
from l2rw.store.checksums import verify, with_checksums
from l2rw.store.files import read_json, write_csv, write_json
from l2rw.training.detect import Look, run_detectors, weights_in_training
from l2rw.training.engine.batches import ImageStore, training_part
from l2rw.training.engine.network import build_network
from l2rw.training.looks import LookJob
from l2rw.training.results import SUSPECT_COLUMNS
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
    """What a job is told of networks that were never trained; image i weighed i / 1000."""

    def job(method="l2rw", known=True):
        spec = make_spec(method)
        digits.save(tmp_path / "digits.npz")
        paths = [tmp_path / f"{seed}.npz" for seed in (0, 1)]
        lines = []
        for seed, path in enumerate(paths):
            split = make_split(seed, "uniform_flip")
            if not known:
                unknown = np.zeros(len(split.validation), dtype=bool)
                validation = replace(split.validation, truth_is_known=unknown)
                split = replace(split, validation=validation)
            split.save(path)
            lines += [
                (seed, i, 0, 0, i / 1000 if method == "l2rw" and i % 7 else "", 1)
                for i in split.train.indices
            ]
        network = build_network(spec, SHAPE, 10)
        trained = tmp_path / "network.safetensors"
        save_trained(trained, {s: network.initial_values(s)[0] for s in (0, 1)})
        write_csv(tmp_path / "suspects.csv", SUSPECT_COLUMNS, lines)
        files = [trained, tmp_path / "suspects.csv"]
        write_json(tmp_path / "result.json", with_checksums({}, files))
        return LookJob(
            cell=replace(
                made_up_cell("cell", {}), spec=spec, corruption=corruptions["uniform_flip"]
            ),
            compute=COMPUTE,
            seeds=range(2),
            data=tmp_path / "digits.npz",
            splits=paths,
            network=trained,
            out=tmp_path / "detectors.csv",
        )

    return job


def lines_of(job):
    run_detectors(job)
    verify(job.out, job.out.with_suffix(".json"))
    with job.out.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", ["baseline", "l2rw"])
def test_a_job_writes_a_line_for_every_example_and_tells_what_it_took(job, make_split, method):
    told = job(method)
    lines = lines_of(told)
    detectors = {"loss", "margin", "influence", *["weight"] * (method == "l2rw")}
    others = {"seed", "part", "image", "given_label", "clean", "confident_learning"}
    assert set(lines[0]) - others == detectors
    for seed in (0, 1):
        split = make_split(seed, "uniform_flip")
        train = training_part(told.cell.run_spec, split)
        for name, part in (("validation", split.validation), ("train", train)):
            mine = [line for line in lines if (line["seed"], line["part"]) == (str(seed), name)]
            assert [int(line["image"]) for line in mine] == part.indices.tolist()
            assert [int(line["given_label"]) for line in mine] == part.labels.tolist()
            assert [bool(int(line["clean"])) for line in mine] == part.label_is_correct.tolist()
            assert all(np.isfinite(float(line["loss"])) for line in mine)
    record = read_json(told.out.with_suffix(".json"))
    assert record["sgd_run_seconds"] > 0
    took = {(one["seed"], one["part"], one["detector"]) for one in record["seconds"]}
    assert {(s, p, "loss") for s in (0, 1) for p in ("validation", "train")} <= took
    assert min(one["seconds"] for one in record["seconds"]) >= 0


def test_training_examples_weigh_as_in_training_with_the_other_sign(job):
    for line in lines_of(job()):
        if line["part"] == "train":
            image = int(line["image"])
            # What was never seen has no weight.
            assert line["weight"] == (f"{-image / 1000:.8g}" if image % 7 else "")
        else:
            assert float(line["weight"]) <= 0


def test_weights_in_training_are_those_of_the_seed(job, make_split):
    told = job()
    train = make_split(1, "uniform_flip").train
    weights = weights_in_training(told.network.with_name("suspects.csv"), 1, train)
    expected = np.where(train.indices % 7, train.indices / 1000, np.nan)
    np.testing.assert_array_equal(weights, expected)


def test_of_what_nobody_knows_the_truth_stays_empty(job):
    lines = lines_of(job("baseline", known=False))
    assert {line["clean"] for line in lines if line["part"] == "validation"} == {""}
    assert {line["clean"] for line in lines if line["part"] == "train"} == {"0", "1"}


def test_a_mentor_has_seen_the_hyper_validation_set(job):
    assert {line["part"] for line in lines_of(job("mentor"))} == {"train"}
