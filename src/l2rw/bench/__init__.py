"""How long a training step takes by each way of weighting, against plain SGD on this machine."""
