"""Training: schedule, seeds, metrics, progress, results."""
