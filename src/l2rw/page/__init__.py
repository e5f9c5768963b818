"""The page of a configuration's results: one self-contained file for a browser."""
