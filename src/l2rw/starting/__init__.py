"""From files that nobody described to a configuration: what ``l2rw init`` does."""
