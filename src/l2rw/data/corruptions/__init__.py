"""Corruptions of data sets. A new one is one file and one record here, or in a package of your own.

Each is a :class:`~l2rw.data.corruptions.base.Corruption`.
"""

from dataclasses import dataclass

from l2rw.store.records import Record, Records


@dataclass(frozen=True, kw_only=True)
class CorruptionRecord(Record):
    """What planning, tables and figures need to know of a corruption: nothing beside its class."""


CORRUPTIONS = Records(
    CorruptionRecord,
    [
        CorruptionRecord(
            name="imbalance",
            label="Imbalance",
            implementation="l2rw.data.corruptions.imbalance:Imbalance",
        ),
        CorruptionRecord(
            name="uniform_flip",
            label="UniformFlip",
            implementation="l2rw.data.corruptions.uniform_flip:UniformFlip",
        ),
        CorruptionRecord(
            name="background_flip",
            label="BackgroundFlip",
            implementation="l2rw.data.corruptions.background_flip:BackgroundFlip",
        ),
        CorruptionRecord(
            name="long_tail",
            label="Long tail",
            implementation="l2rw.data.corruptions.long_tail:LongTail",
        ),
        CorruptionRecord(
            name="given",
            label="Labels as given",
            implementation="l2rw.data.corruptions.given:Given",
        ),
    ],
)
