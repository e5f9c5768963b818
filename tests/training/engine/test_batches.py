import numpy as np
import pytest
import torch
from tests.runs import batch_of

from l2rw.methods import METHODS
from l2rw.methods.base import TrainingContext
from l2rw.training.engine.batches import ImageStore, SeedBatches, StackedBatches, training_part

CPU = torch.device("cpu")
ON_CLEAN_SET = [name for name, record in METHODS.items() if record.trained_on_clean_set]


IMAGES = np.random.default_rng(0).integers(256, size=(1797, 1, 8, 8), dtype=np.uint8)
"""What contexts know; batches hold those of the digits."""


def context(spec, split, seed):
    train, steps = training_part(spec, split), spec.steps
    return TrainingContext(train, split.clean, 10, seed, steps, {}, None, images=IMAGES)


def single(spec, split, seed=0):
    return SeedBatches(spec, METHODS.load(spec.method)(), context(spec, split, seed))


def stacked(spec, digits, make_split, seeds=(0, 1)):
    images = ImageStore(digits.train_images, (0.0, 1.0), CPU)
    contexts = [context(spec, make_split(seed), seed) for seed in seeds]
    return StackedBatches(spec, METHODS.load(spec.method)(), images, contexts)


def images_of(digits, indices):
    return torch.from_numpy(digits.train_images[indices]).float() / 255


@pytest.mark.parametrize("pixel_range", [(0.0, 1.0), (-1.0, 1.0)])
def test_pixels_become_floats_in_the_range_of_the_data_set(pixel_range):
    images = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)
    low, high = pixel_range
    seen = ImageStore(images, pixel_range, CPU)[torch.arange(4)]
    expected = torch.linspace(low, high, 256).reshape(4, 1, 8, 8)
    torch.testing.assert_close(seen, expected)
    assert images.flatten().tolist() == list(range(256))


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ON_CLEAN_SET])
@pytest.mark.parametrize("sees", [True, False])
def test_methods_without_a_clean_batch_train_on_clean_images_only_if_told_to(
    make_spec, make_split, name, sees
):
    split, spec = make_split(0, "uniform_flip"), make_spec(method=name, baselines_see_clean=sees)
    train = single(spec, split).train
    record = METHODS[name]
    both = record.trained_beside_clean_set or (sees and not record.guided_by_clean_set)
    parts = [
        split.train,
        *[split.clean] * both,
        *[split.validation] * record.trained_beside_validation,
    ]
    assert set(train.indices) == set().union(*(part.indices for part in parts))
    assert len(train) == sum(map(len, parts))
    wrong = sum((~part.label_is_correct).sum() for part in parts)
    assert (~train.label_is_correct).sum() == wrong > 0


@pytest.mark.parametrize("name", ON_CLEAN_SET)
@pytest.mark.parametrize("sees", [True, False])
def test_others_train_on_clean_images_alone(make_spec, make_split, name, sees):
    split, spec = make_split(0, "uniform_flip"), make_spec(method=name, baselines_see_clean=sees)
    np.testing.assert_equal(vars(single(spec, split).train), vars(split.clean))


@pytest.mark.parametrize("name", METHODS)
def test_a_pass_sees_every_training_image_under_its_label(make_spec, make_split, digits, name):
    spec = make_spec(method=name, baselines_see_clean=False)
    batches = single(spec, make_split(0))
    seen = np.concatenate([batches.positions(step, "train") for step in range(20)])
    assert set(seen) == set(range(len(batches.train)))
    labels = digits.train_labels[batches.train.indices[seen]]
    assert np.array_equal(labels == 9, batches.train.labels[seen] == 1)


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_depends_on_the_step_and_not_on_what_was_asked_for_before(
    make_spec, make_split, digits, name
):
    spec = make_spec(method=name)
    batches, fresh = (stacked(spec, digits, make_split) for _ in range(2))
    in_order = [batch_of(batches, step) for step in range(4)][-1]
    at_once = batch_of(fresh, 3)
    torch.testing.assert_close(in_order, at_once, rtol=0, atol=0)
    assert not torch.equal(in_order.images, batch_of(batches, 4).images)


@pytest.mark.parametrize("name", METHODS)
def test_a_stack_holds_the_batches_of_its_seeds(make_spec, make_split, digits, name):
    spec = make_spec(method=name)
    both = batch_of(stacked(spec, digits, make_split, (0, 1)), 2)
    for i in range(2):
        alone = batch_of(stacked(spec, digits, make_split, (i,)), 2)
        torch.testing.assert_close(both.images[i], alone.images[0], rtol=0, atol=0)
        for field in ("labels", "positions", "step", "learning_rate"):
            torch.testing.assert_close(getattr(both, field)[i], getattr(alone, field)[0])
        for key, value in both.extra.items():
            torch.testing.assert_close(value[i], alone.extra[key][0], rtol=0, atol=0)


def test_partners_are_moved_and_mirrored_like_the_images(make_spec, make_split, digits):
    spec = make_spec("smote", crop_padding=2, mirror=True)
    (split, seed), images = (make_split(0), 0), ImageStore(digits.train_images, (0.0, 1.0), CPU)
    method, known = METHODS.load("smote")(), context(spec, split, seed)
    batch = batch_of(StackedBatches(spec, method, images, [known]), 5)
    of_seed = SeedBatches(spec, method, known)
    partners = method.partners(known)[of_seed.positions(5, "train")]
    moved = of_seed.augmentation(5, "train")
    for place, candidates in enumerate(partners):
        augmented = []
        for index in known.train.indices[candidates]:
            image = np.pad(digits.train_images[index, 0], 2)
            down, right = moved["down"][place], moved["right"][place]
            image = image[down : down + 8, right : right + 8]
            image = image[:, ::-1] if moved["mirrored"][place] else image
            augmented.append(image / 255)
        ours = batch.extra["partner_images"][0, place, 0].numpy()
        assert any(np.allclose(ours, image, atol=1e-6) for image in augmented)


def test_images_and_labels_belong_together(make_spec, make_split, digits):
    spec, split = make_spec(method="l2rw"), make_split(0)
    batch = batch_of(stacked(spec, digits, make_split, (0,)), 0)
    of_seed = single(spec, split)
    at, clean_at = of_seed.positions(0, "train"), of_seed.positions(0, "clean")
    assert batch.positions[0].tolist() == at.tolist()
    torch.testing.assert_close(batch.images[0], images_of(digits, split.train.indices[at]))
    assert batch.labels[0].tolist() == split.train.labels[at].tolist()
    clean_images = images_of(digits, split.clean.indices[clean_at])
    torch.testing.assert_close(batch.extra["clean_images"][0], clean_images)
    assert batch.extra["clean_labels"][0].tolist() == split.clean.labels[clean_at].tolist()


@pytest.mark.parametrize(("asked", "seen"), [(4, 4), (6, 6), (100, 6)])
def test_a_clean_batch_is_no_larger_than_the_clean_set(make_spec, make_split, asked, seen):
    spec = make_spec(method="l2rw", clean_batch_size=asked)
    batches = single(spec, make_split(0))
    positions = batches.positions(1, "clean")
    assert len(positions) == seen
    assert set(positions) <= set(range(6))


def crop_and_mirror(image, padding, down, right, mirrored):
    height, width = image.shape[-2:]
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    crop = padded[:, down : down + height, right : right + width]
    return crop[:, :, ::-1] if mirrored else crop


@pytest.mark.parametrize(("padding", "mirror"), [(2, True), (1, False), (0, True)])
@pytest.mark.parametrize("name", ["baseline", "l2rw"])
def test_images_are_cropped_and_mirrored_one_by_one(
    make_spec, make_split, digits, name, padding, mirror
):
    spec = make_spec(method=name, crop_padding=padding, mirror=mirror)
    seeds, splits = (0, 3), [make_split(0), make_split(3)]
    batch = batch_of(stacked(spec, digits, make_split, seeds), 5)
    seen = {"train": batch.images, "clean": batch.extra.get("clean_images")}
    for place, (seed, split) in enumerate(zip(seeds, splits, strict=True)):
        batches = single(spec, split, seed)
        for part in ("train", "clean") if name == "l2rw" else ("train",):
            drawn = batches.augmentation(5, part)
            assert {*drawn["down"], *drawn["right"]} <= set(range(2 * padding + 1))
            assert mirror or not drawn["mirrored"].any()
            indices = getattr(batches, part).indices[batches.positions(5, part)]
            images = digits.train_images[indices]
            expected = [
                crop_and_mirror(image, padding, *how)
                for image, *how in zip(images, *drawn.values(), strict=True)
            ]
            ours = torch.from_numpy(np.stack(expected).copy()).float() / 255
            torch.testing.assert_close(seen[part][place], ours)


def test_augmentation_varies_by_step_and_part(make_spec, make_split):
    spec = make_spec(method="l2rw", batch_size=64, clean_batch_size=6, crop_padding=4, mirror=True)
    batches = single(spec, make_split(0))
    first, again, later = (batches.augmentation(step, "train") for step in (0, 0, 1))
    for name, drawn in first.items():
        assert np.array_equal(drawn, again[name])
        assert not np.array_equal(drawn, later[name])
    assert not np.array_equal(first["down"][:6], batches.augmentation(0, "clean")["down"])
    assert 16 < first["mirrored"].sum() < 48


def test_batches_know_their_step_and_its_learning_rate(make_spec, make_split, digits):
    batches = stacked(make_spec(learning_rate=0.1, decay_at=(150,)), digits, make_split)
    for step, rate in ((0, 0.1), (149, 0.1), (150, 0.1 * 0.1), (321, 0.1 * 0.1)):
        batch = batch_of(batches, step)
        assert batch.step.tolist() == [step] * 2
        assert batch.learning_rate.dtype == torch.float64
        assert batch.learning_rate.tolist() == [rate] * 2
