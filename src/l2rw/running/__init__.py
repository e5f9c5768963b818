"""``l2rw run``: checks first, then Snakemake, and what it does in words."""
