"""What is known of each published data set before a byte is read: shape, class sizes, checksums.

A new one is one file and one record here, or in a package of your own. Data sets of a user's own
need neither: :mod:`l2rw.data.kinds` reads what a configuration describes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from l2rw.data.datasets.facts import Facts
from l2rw.store.records import Record, Records


@dataclass(frozen=True, kw_only=True)
class DatasetRecord(Facts, Record):
    """Facts of a published data set, enough to validate a configuration and to verify content.

    Its implementation is a :class:`~l2rw.data.datasets.sources.Source`, given the
    :class:`~l2rw.data.datasets.places.Places` to search.
    """

    arrays: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Field of :class:`~l2rw.data.datasets.dataset.Dataset` to the SHA-256 of its bytes (labels are
    little-endian int64), where a data set is known by its content, whatever file holds it."""

    images_of: str | None = None
    """The data set whose images it has, under labels of its own."""
    torchvision: str | None = None
    """The class of torchvision.datasets that downloads it, if one does."""


DIGITS = DatasetRecord(
    name="digits",
    label="digits",
    implementation="l2rw.data.datasets.digits:Digits",
    image_shape=(1, 8, 8),
    train_class_sizes=(134, 137, 133, 138, 136, 137, 136, 135, 131, 135),
    test_size=445,
    pixel_range=(0.0, 1.0),
    sha256={
        "images and labels": "0b7e9c3202d7bcd255d6a19a238d3743bf5e320ba74812a6679958a017c55382"
    },
)
MNIST = DatasetRecord(
    name="mnist",
    label="MNIST",
    implementation="l2rw.data.datasets.mnist:Mnist",
    torchvision="MNIST",
    image_shape=(1, 28, 28),
    train_class_sizes=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    test_size=10_000,
    pixel_range=(0.0, 1.0),
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
MNIST_SAMPLE = DatasetRecord(
    name="mnist_sample",
    label="MNIST sample",
    implementation="l2rw.data.datasets.mnist_sample:MnistSample",
    image_shape=(1, 14, 14),
    train_class_sizes=(375,) * 10,
    test_size=1_250,
    pixel_range=(0.0, 1.0),
    sha256={
        "images and labels": "2dd6d01427e9af098b9993ff620cbbcc51ad82ea13ddf829f19ae94d6270c311"
    },
)
CIFAR10 = DatasetRecord(
    name="cifar10",
    label="CIFAR-10",
    implementation="l2rw.data.datasets.cifar10:Cifar10",
    torchvision="CIFAR10",
    image_shape=(3, 32, 32),
    train_class_sizes=(5000,) * 10,
    test_size=10_000,
    pixel_range=(-1.0, 1.0),
    sha256={
        "cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    },
    arrays={
        "train_images": "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111",
        "train_labels": "f5cfe00b0f00968c0cc5ff3b1d2de51b10e33efa277c2986f4e0fa63e58c9f4f",
        "test_images": "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56",
        "test_labels": "cbb7365de8ed11f05cc4c3a1e7f78144127c5e851efd83762fb18202461230bb",
    },
)
CIFAR100 = DatasetRecord(
    name="cifar100",
    label="CIFAR-100",
    implementation="l2rw.data.datasets.cifar:Cifar100",
    torchvision="CIFAR100",
    image_shape=(3, 32, 32),
    train_class_sizes=(500,) * 100,
    test_size=10_000,
    pixel_range=(-1.0, 1.0),
    sha256={
        "cifar-100-python.tar.gz": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    },
)


def _human_labels(
    base: DatasetRecord, name: str, label: str, file: Mapping[str, str], given: str | None
) -> DatasetRecord:
    return DatasetRecord(
        name=name,
        label=label,
        implementation="l2rw.data.datasets.cifar_n:CifarN",
        images_of=base.name,
        image_shape=base.image_shape,
        train_class_sizes=base.train_class_sizes,
        test_size=base.test_size,
        pixel_range=base.pixel_range,
        # Its labels, not its name, distinguish the groups of people who gave them.
        sha256={**base.sha256, **file, **({"given": given} if given else {})},
        arrays={"given": given} if given else {},
    )


CIFAR10_HUMAN = {
    "CIFAR-10_human.pt": "873e69c39cb9b5e97fb6bae2d60bb59b38a5cbc31d2b868f7903dcb2b9dd2310"
}
CIFAR100_HUMAN = {
    "CIFAR-100_human.pt": "bd2d80409754d420292d622e15e25248ba21e37d27429efac49c8da723f44394"
}
HUMAN_LABELS = {
    "cifar10n_aggre": "aggre_label",
    "cifar10n_random1": "random_label1",
    "cifar10n_random2": "random_label2",
    "cifar10n_random3": "random_label3",
    "cifar10n_worse": "worse_label",
    "cifar100n": "noisy_label",
}
"""Under which key the authors' file has the labels of a data set."""
CIFAR_N = [
    _human_labels(CIFAR10, name, label, CIFAR10_HUMAN, given)
    for name, label, given in (
        (
            "cifar10n_aggre",
            "CIFAR-10N (aggregate)",
            "b3c3d486d22c3055756e7b1b1a0e98b099c1d68b771633023b0f76fa2e09ede6",
        ),
        (
            "cifar10n_random1",
            "CIFAR-10N (random 1)",
            "b5dc9007ae247a48ce267bec37a1310b0cd65ed73801ca7e595fb954902575a7",
        ),
        (
            "cifar10n_random2",
            "CIFAR-10N (random 2)",
            "1182c45d3a24636640fe1e3743b9566b6fabe86b2ed14f6b8216799e209a0d4e",
        ),
        (
            "cifar10n_random3",
            "CIFAR-10N (random 3)",
            "b51e116c617ded2c98be095ba8b3abae8adfa6caa54f7f6eedf50c7aed013d44",
        ),
        (
            "cifar10n_worse",
            "CIFAR-10N (worse)",
            "a64d887522cf6d8f4966912a1536ea2d890600929a8465a7f307cdca2501847b",
        ),
    )
]
CIFAR100N = _human_labels(CIFAR100, "cifar100n", "CIFAR-100N", CIFAR100_HUMAN, None)
CATALOG = Records(
    DatasetRecord, [DIGITS, MNIST_SAMPLE, MNIST, CIFAR10, CIFAR100, *CIFAR_N, CIFAR100N]
)
