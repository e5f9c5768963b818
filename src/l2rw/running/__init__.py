"""``l2rw run``: checks, then Snakemake, whose progress is shown in words."""
