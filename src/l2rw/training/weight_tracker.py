"""What every training example weighed while a stack trains: as for any training loop."""

from l2rw.core.weight_tracker import WeightTracker

__all__ = ["WeightTracker"]
