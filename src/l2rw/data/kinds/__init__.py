"""Kinds of data sets that a configuration describes: how a user's own files are read.

A new kind is one file and one record here, or in a package of your own; a new data set is a few
lines of YAML. Each is a :class:`~l2rw.data.kinds.base.DatasetKind`.
"""

from dataclasses import dataclass

from l2rw.store.records import Record, Records


@dataclass(frozen=True, kw_only=True)
class DatasetKindRecord(Record):
    """What the configuration needs to know of a kind: nothing beside its class.

    Raise its ``revision`` when it reads the same files differently.
    """


DATASET_KINDS = Records(
    DatasetKindRecord,
    [
        DatasetKindRecord(
            name="image_folder",
            label="folder of images by class",
            implementation="l2rw.data.kinds.image_folder:ImageFolder",
        ),
        DatasetKindRecord(
            name="image_table",
            label="table of image files and labels",
            implementation="l2rw.data.kinds.image_table:ImageTable",
        ),
        DatasetKindRecord(
            name="feature_table",
            label="table of features and labels",
            implementation="l2rw.data.kinds.feature_table:FeatureTable",
        ),
    ],
)
