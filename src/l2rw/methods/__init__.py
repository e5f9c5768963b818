"""The methods compared, by name. A new one is one file and one line here."""

from l2rw.store.registry import Registry

METHODS: Registry = {
    "baseline": "l2rw.methods.weighting:Baseline",
    "proportion": "l2rw.methods.weighting:Proportion",
    "resample": "l2rw.methods.sampling:Resample",
    "hard_mining": "l2rw.methods.sampling:HardMining",
    "random": "l2rw.methods.weighting:Random",
    "weighted": "l2rw.methods.weighting:Weighted",
    "reed_soft": "l2rw.methods.bootstrapping:ReedSoft",
    "reed_hard": "l2rw.methods.bootstrapping:ReedHard",
    "s_model": "l2rw.methods.noise_layer:SModel",
    "s_model_conf": "l2rw.methods.noise_layer:SModelConf",
    "clean_only": "l2rw.methods.weighting:CleanOnly",
    "l2rw": "l2rw.methods.l2rw:L2RW",
}

GUIDED_BY_CLEAN_SET = frozenset({"l2rw"})
"""Methods whose steps see a batch of the clean set."""

TRAINED_ON_CLEAN_SET = frozenset({"clean_only"})
"""Methods whose training set is the clean set."""

FOR_TWO_CLASSES = frozenset({"hard_mining"})
"""Methods that take label 0 for the minority of two classes."""

AFTER_BASELINE = frozenset({"s_model_conf"})
"""Methods that begin from a transition matrix, and so wait for the baseline of their seed."""
