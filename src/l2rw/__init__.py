"""Learning to Reweight Examples for Robust Deep Learning (Ren et al., ICML 2018), reproduced.

The paper's idea is in :mod:`l2rw.core.weights`; everything else exists to test it. Whoever trains
elsewhere needs few names, and PyTorch alone: ``from l2rw import Reweighter``, beside it
``forever`` for the clean batches, and ``WeightTracker`` for a look at the weights.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2rw.core.loaders import forever
    from l2rw.core.reweighter import Reweighter
    from l2rw.core.weight_tracker import WeightTracker
else:
    _HOMES = {"Reweighter": "reweighter", "WeightTracker": "weight_tracker", "forever": "loaders"}

    def __getattr__(name: str) -> object:
        """Import PyTorch when somebody asks for what needs it: most commands do without."""
        if name in _HOMES:
            return getattr(import_module(f"l2rw.core.{_HOMES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Reweighter", "WeightTracker", "forever"]
__version__ = "0.1.0"


def __dir__() -> list[str]:
    """List the lazy names, too."""
    return sorted({*globals(), *__all__})
