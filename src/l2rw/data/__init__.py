"""From source files to batches: verified data sets, corruptions, splits, streams of examples."""
