"""Learning to Reweight Examples for Robust Deep Learning (Ren et al., ICML 2018), reproduced.

The paper's idea is in :mod:`l2rw.core.weights`; everything else exists to test it.
"""

__version__ = "0.1.0"
