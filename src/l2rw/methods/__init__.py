"""The methods compared. A new one is one file and one record here, or in a package of your own."""

from dataclasses import dataclass

from l2rw.store.records import Record, Records


@dataclass(frozen=True, kw_only=True)
class MethodRecord(Record):
    """What planning, tables and figures need to know of a method.

    Its implementation is a class, a :class:`~l2rw.methods.contract.Method`.
    """

    source: str
    """Where it comes from: a section of the paper, or another paper."""
    guided_by_clean_set: bool = False
    """Whether its steps see a batch of the clean set."""
    trained_on_clean_set: bool = False
    """Whether its training set is the clean set."""
    for_two_classes: bool = False
    """Whether it takes label 0 for the minority of two classes."""
    after_baseline: bool = False
    """Whether it begins from a transition matrix, and so waits for the baseline of its seed."""


METHODS = Records(
    MethodRecord,
    [
        MethodRecord(
            name="baseline",
            label="Baseline",
            implementation="l2rw.methods.weighting:Baseline",
            source="section 4",
        ),
        MethodRecord(
            name="proportion",
            label="Proportion",
            implementation="l2rw.methods.weighting:Proportion",
            source="section 4.1",
        ),
        MethodRecord(
            name="resample",
            label="Resample",
            implementation="l2rw.methods.sampling:Resample",
            source="section 4.1",
        ),
        MethodRecord(
            name="hard_mining",
            label="Hard mining",
            implementation="l2rw.methods.sampling:HardMining",
            source="section 4.1",
            for_two_classes=True,
        ),
        MethodRecord(
            name="random",
            label="Random",
            implementation="l2rw.methods.weighting:Random",
            source="section 4",
        ),
        MethodRecord(
            name="weighted",
            label="Weighted",
            implementation="l2rw.methods.weighting:Weighted",
            source="section 4.2",
        ),
        MethodRecord(
            name="reed_soft",
            label="Reed Soft",
            implementation="l2rw.methods.bootstrapping:ReedSoft",
            source="Reed et al. 2015",
        ),
        MethodRecord(
            name="reed_hard",
            label="Reed Hard",
            implementation="l2rw.methods.bootstrapping:ReedHard",
            source="Reed et al. 2015",
        ),
        MethodRecord(
            name="s_model",
            label="S-Model",
            implementation="l2rw.methods.noise_layer:SModel",
            source="Goldberger and Ben-Reuven 2017",
        ),
        MethodRecord(
            name="s_model_conf",
            label="S-Model +Conf",
            implementation="l2rw.methods.noise_layer:SModelConf",
            source="Goldberger and Ben-Reuven 2017",
            after_baseline=True,
        ),
        MethodRecord(
            name="clean_only",
            label="Clean Only",
            implementation="l2rw.methods.weighting:CleanOnly",
            source="section 4.2",
            trained_on_clean_set=True,
        ),
        MethodRecord(
            name="l2rw",
            label="L2RW",
            implementation="l2rw.methods.l2rw:L2RW",
            source="Algorithm 1",
            guided_by_clean_set=True,
        ),
    ],
)
