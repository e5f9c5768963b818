"""From results to tables and figures. Knows files of results, nothing of training."""
