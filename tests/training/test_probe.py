import csv
from dataclasses import replace
from itertools import chain, groupby

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.plans import COMPUTE, made_up_cell

from l2rw.core.weights import reweighted_gradient_by_double_backward
from l2rw.data.streams import Stream
from l2rw.store.checksums import verify, with_checksums
from l2rw.store.errors import UserError
from l2rw.store.files import write_json
from l2rw.training.engine.network import build_network
from l2rw.training.looks import LookJob
from l2rw.training.probe import MIXED, SINGLE_CLASS, Probe, Weighed, run_probe
from l2rw.training.trained import load_trained, save_trained

SHAPE, CPU = (1, 8, 8), torch.device("cpu")


@pytest.fixture(scope="session")
def weigh(digits, corruptions, make_split, make_spec):
    """Weigh the validation set of a seed by an untrained network, in lists by batch."""

    def weigh(seed=0, model="lenet_8x8", **sizes):
        spec = make_spec(method="l2rw", model=model, **sizes)
        network = build_network(spec, SHAPE, 10)
        probe = Probe(network, digits, spec.batch_size, spec.clean_batch_size, CPU)
        split, values = make_split(seed, "background_flip"), network.initial_values(seed)
        background = corruptions["background_flip"].background_class(seed)
        return batches(probe.weigh(values, split, seed, background))

    return weigh


def batches(lines):
    return [list(batch) for _, batch in groupby(lines, lambda line: (line.seed, line.batch))]


def of_panel(weighed, panel):
    return [batch for batch in weighed if {line.panel for line in batch} == {panel}]


def images_of(batch):
    return [line.image for line in batch]


@pytest.mark.parametrize("model", ["lenet_8x8", "resnet_8x8"])
@pytest.mark.parametrize(("number", "panel"), [(0, MIXED), (2, MIXED), (10, SINGLE_CLASS)])
def test_weights_are_those_of_a_training_step(
    weigh, digits, make_split, make_spec, model, number, panel
):
    batch = weigh(model=model, batch_size=16, clean_batch_size=12)[number]
    assert {line.panel for line in batch} == {panel}
    split = make_split(0, "background_flip")
    at = np.searchsorted(split.validation.indices, images_of(batch))
    guides = Stream(split.clean.indices, "clean batch", 0).take(12 * batch[0].batch, 12)

    def losses(part, places):
        images = torch.from_numpy(digits.train_images[part.indices[places]]).float() / 255
        labels = torch.from_numpy(part.labels[places])
        return lambda parameters: network.losses(parameters, images, labels)

    network = build_network(make_spec(model=model), SHAPE, 10)
    guiding = losses(split.clean, guides)
    step = reweighted_gradient_by_double_backward(
        losses(split.validation, at),
        lambda parameters: guiding(parameters)[0].mean(),
        network.initial_values(0)[0],
    )
    assert step.weights.count_nonzero() > 1
    weights = [line.weight for line in batch]
    np.testing.assert_allclose(weights, step.weights * len(batch), rtol=1e-3, atol=1e-4)


@given(st.sampled_from([0, 1]), st.sampled_from([2, 7, 8, 60, 200]))
def test_batches_are_whole_and_show_no_image_twice(weigh, digits, make_split, seed, batch_size):
    weighed = weigh(seed, batch_size=batch_size)
    validation = make_split(seed, "background_flip").validation
    assert [batch[0].batch for batch in weighed] == list(range(len(weighed)))
    mixed = of_panel(weighed, MIXED)
    assert {len(batch) for batch in mixed} == {min(batch_size, 100)}
    assert len(mixed) == max(100 // batch_size, 1)
    background = (3, 8)[seed]
    single = {label: [] for label in range(10) if label != background}
    for batch in of_panel(weighed, SINGLE_CLASS):
        (label,) = set(digits.train_labels[images_of(batch)])
        single[label].append(batch)
    for label, of_class in single.items():
        size = (digits.train_labels[validation.indices] == label).sum()
        assert {len(batch) for batch in of_class} == {min(batch_size, size)}
        assert len(of_class) == max(size // batch_size, 1)
    for panel in (mixed, chain(*single.values())):
        shown = list(chain(*map(images_of, panel)))
        assert len(shown) == len(set(shown))
        assert set(shown) <= set(validation.indices)
    assert len(weighed) == len(mixed) + sum(map(len, single.values()))


def test_mixed_batches_hold_many_classes_in_random_order(weigh, digits):
    mixed = of_panel(weigh(batch_size=40), MIXED)
    for batch in mixed:
        assert len(set(digits.train_labels[images_of(batch)])) > 5
        assert images_of(batch) != sorted(images_of(batch))


def test_an_image_is_clean_where_its_label_is_its_class(weigh, digits, make_split):
    validation = make_split(1, "background_flip").validation
    given_labels = dict(zip(validation.indices, validation.labels, strict=True))
    for batch in weigh(1):
        for line in batch:
            assert line.seed == 1
            assert line.clean == (given_labels[line.image] == digits.train_labels[line.image])
    single = of_panel(weigh(1), SINGLE_CLASS)
    assert {line.clean for batch in single for line in batch} == {True, False}


def test_weights_of_a_batch_are_one_on_average(weigh):
    for batch in weigh(model="resnet_8x8", clean_batch_size=20):
        assert np.mean([line.weight for line in batch]) == pytest.approx(1)
        assert min(line.weight for line in batch) >= 0


@pytest.mark.parametrize("model", ["resnet_8x8", "wrn_8x8"])
def test_weights_are_the_same_again(weigh, model):
    torch.manual_seed(0)
    first = weigh(model=model)
    torch.manual_seed(1)
    assert weigh(model=model) == first
    assert images_of(weigh(1, model=model)[0]) != images_of(first[0])


@pytest.fixture
def arguments(tmp_path, digits, make_split, make_spec, corruptions):
    """What a probe of seeds 0 and 1 is told."""
    spec = make_spec(method="l2rw", model="resnet_8x8")
    built = build_network(spec, SHAPE, 10)
    networks = {}
    for seed in (0, 1):
        make_split(seed, "background_flip").save(tmp_path / f"{seed}.npz")
        parameters, buffers = built.initial_values(seed + 7)
        networks[seed] = parameters | buffers
    save_trained(tmp_path / "network.safetensors", networks)
    write_json(tmp_path / "result.json", with_checksums({}, [tmp_path / "network.safetensors"]))
    digits.save(tmp_path / "digits.npz")
    corruption = corruptions["background_flip"]
    return {
        "cell": made_up_cell("split/cell", {}, spec=spec, corruption=corruption),
        "compute": COMPUTE,
        "seeds": range(2),
        "data": tmp_path / "digits.npz",
        "splits": [tmp_path / "0.npz", tmp_path / "1.npz"],
        "network": tmp_path / "network.safetensors",
        "out": tmp_path / "deep" / "probe.csv",
    }


def test_a_probe_writes_a_line_for_every_image(arguments, digits, make_split):
    run_probe(LookJob(**arguments))
    beside = arguments["out"].with_suffix(".json")
    assert set(arguments["out"].parent.iterdir()) == {arguments["out"], beside}
    verify(arguments["out"], beside)
    with arguments["out"].open() as file:
        told = list(csv.DictReader(file))
    assert tuple(told[0]) == Weighed._fields
    network = build_network(arguments["cell"].run_spec, SHAPE, 10)
    probe = Probe(network, digits, 8, 4, CPU)
    expected = [
        line
        for seed, background in ((0, 3), (1, 8))
        for line in probe.weigh(
            load_trained([arguments["network"]], network, seed),
            make_split(seed, "background_flip"),
            seed,
            background,
        )
    ]
    assert len(told) == len(expected)
    for line, weighed in zip(told, expected, strict=True):
        assert tuple(line.values()) == tuple(map(str, weighed))


def test_a_damaged_network_is_named_and_not_probed(arguments):
    path = arguments["network"]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path} is missing, damaged or was changed"):
        run_probe(LookJob(**arguments))
    assert not arguments["out"].exists()


def test_only_a_background_class_can_be_probed(arguments, corruptions):
    cell = replace(arguments["cell"], corruption=corruptions["uniform_flip"])
    with pytest.raises(UserError, match="do not flip to a background class"):
        run_probe(LookJob(**arguments | {"cell": cell}))


def test_a_table_is_not_replaced_by_its_record(arguments, tmp_path):
    for name in ("probe.json", "probe"):
        with pytest.raises(UserError, match=r"does not end in \.csv"):
            run_probe(LookJob(**arguments | {"out": tmp_path / name}))
