"""Learning to Reweight Examples for Robust Deep Learning (Ren et al., ICML 2018), reproduced.

The paper's idea is in :mod:`l2rw.core.weights`; everything else exists to test it. Whoever trains
elsewhere needs one name, and PyTorch alone: ``from l2rw import Reweighter``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2rw.core.reweighter import Reweighter
else:

    def __getattr__(name: str) -> object:
        """Import PyTorch when somebody asks for what needs it: most commands do without."""
        if name == "Reweighter":
            from l2rw.core.reweighter import Reweighter

            return Reweighter
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Reweighter"]
__version__ = "0.1.0"


def __dir__() -> list[str]:
    """List the lazy name, too."""
    return sorted({*globals(), *__all__})
