"""Pages on which people decide about labels: which are right, which are wrong, and what is."""
