"""Everything that determines a simulation, apart from its data, its split and its seed."""

from dataclasses import dataclass
from typing import Literal

Model = Literal["logistic", "softmax", "huber"]
Weighting = Literal["l2rw", "ascent", "unguided"]


@dataclass(frozen=True)
class SimulationSpec:
    """Settings of a simulation. There are no defaults: the configuration is their one source."""

    model: Model
    """``logistic`` regression on two classes, ``softmax`` regression on any number, or ``huber``:
    one dimension, one example, the counterexample to Lemma 1 as printed."""
    weighting: Weighting
    """``l2rw``: the update analysed. Two controls, to which the theorem does not apply:
    ``ascent``, the same with the sign turned round; ``unguided``, every example with the weight
    σ², which no weight of L2RW exceeds, whatever the clean set says. That is plain SGD with the
    step size α σ² = ``2 * limit_fraction`` / L."""
    limit_fraction: float
    """Step size α as a share of the largest that the corrected condition allows, 2 / (L σ²). The
    best is 0.5; above 1 the condition fails; the printed condition allows up to ``batch_size``."""
    batch_size: int
    """Training examples in a batch, n, drawn afresh at every step without replacement."""
    steps: int
    """Number of updates, T."""
    trajectories: int
    """Independent sequences of batches from the same start, over which expectations are means."""
    aligned: bool
    """Whether every batch is n copies of one random training example instead: the batches for
    which Lemma 1 as printed fails."""
