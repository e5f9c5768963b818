"""The one training loop: schedule, stacks of seeds, metrics, progress, provenance."""

RESULTS_REVISION = 2
"""Part of every result's identity. Raise it when code changes what a run computes."""
