"""A data set known by its content: the right images in the right order, whatever file held them."""

import hashlib
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2rw.data.datasets.catalog import CATALOG
from l2rw.data.datasets.dataset import Dataset, Half, Images
from l2rw.data.datasets.places import DOWNLOAD_AGAIN
from l2rw.store.errors import UserError

Digests = NDArray[np.uint64]
TITLES = {"train": "training", "test": "test"}


def verified(name: str, halves: dict[str, Half], where: str) -> Dataset:
    """Return a data set of verified content, its images in the published order.

    Args:
        name: A data set that the catalog knows by its arrays.
        halves: ``train`` and ``test``, in any order of images.
        where: What messages call the source.

    Raises:
        UserError: An image or a label is not the published one.
    """
    known = published_images(name)
    train, test = (_verified(name, part, halves[part], known[part], where) for part in TITLES)
    return Dataset(name, *train, *test)


def published_images(name: str) -> dict[str, Digests]:
    """Return the digests of the published ``train`` and ``test`` images, in their order.

    They ship beside this module: those of the training images, then those of the test images.
    """
    content = files("l2rw.data.datasets").joinpath(f"{name}-images.digests").read_bytes()
    digests = np.frombuffer(content, ">u8").astype(np.uint64)
    train, test = np.split(digests, [sum(CATALOG[name].train_class_sizes)])
    return {"train": train, "test": test}


def digests_of(images: Images) -> Digests:
    """Return of each image (n, …) the first eight bytes of its SHA-256, a big-endian number."""
    first = b"".join(hashlib.sha256(image.tobytes()).digest()[:8] for image in images)
    return np.frombuffer(first, ">u8").astype(np.uint64)


def sha256_of(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's values in C order, little-endian."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return hashlib.sha256(little.reshape(-1).view(np.uint8).data).hexdigest()


def _verified(name: str, part: str, half: Half, known: Digests, where: str) -> Half:
    info, title = CATALOG[name], TITLES[part]
    expected = (len(known), *info.image_shape)
    if half.images.shape != expected:
        raise _refusal(
            f"{where} is not {name}: its {title} images have the shape {half.images.shape} "
            f"instead of {expected}."
        )
    if sha256_of(half.images) != info.arrays[f"{part}_images"]:
        half = _in_order(name, title, half, known, where)
    if sha256_of(half.images) != info.arrays[f"{part}_images"]:
        raise _refusal(f"{where} is not {name}: its {title} images are not the published ones.")
    if sha256_of(half.labels) != info.arrays[f"{part}_labels"]:
        raise _refusal(
            f"{where} is not {name}: its {title} images are the published ones, "
            "but their labels are not."
        )
    return half


def _in_order(name: str, title: str, half: Half, known: Digests, where: str) -> Half:
    """Return the images in the published order; they all differ from one another."""
    given = digests_of(half.images)
    missing = len(known) - len(np.intersect1d(given, known))
    if missing:
        raise _refusal(
            f"{where} is not {name}: {missing} of its {len(known)} {title} images differ from "
            "the published ones."
        )
    order = np.empty(len(known), dtype=np.int64)
    order[np.argsort(known)] = np.argsort(given)
    return Half(half.images[order], half.labels[order])


def _refusal(problem: str) -> UserError:
    return UserError(problem, DOWNLOAD_AGAIN)
