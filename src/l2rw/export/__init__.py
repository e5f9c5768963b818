"""From results to files that are used elsewhere: networks, weights, labels; and predictions."""
