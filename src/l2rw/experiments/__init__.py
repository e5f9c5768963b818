"""What each figure and table of the paper needs."""
