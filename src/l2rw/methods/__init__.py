"""The methods compared, by name. A new one is one file and one line here."""

from l2rw.registry import Registry

METHODS: Registry = {
    "baseline": "l2rw.methods.weighting:Baseline",
    "proportion": "l2rw.methods.weighting:Proportion",
    "resample": "l2rw.methods.sampling:Resample",
    "hard_mining": "l2rw.methods.sampling:HardMining",
    "random": "l2rw.methods.weighting:Random",
    "l2rw": "l2rw.methods.l2rw:L2RW",
}

GUIDED_BY_CLEAN_SET = frozenset({"l2rw"})
"""Methods whose steps see a batch of the clean set."""
