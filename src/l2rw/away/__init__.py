"""Training away from the workflow: for limited time, on a machine without Snakemake.

``l2rw run-for`` trains there what plan files ask for and packs it; ``l2rw adopt`` takes it in at
home, where Snakemake finds these runs done. What this package imports needs only PyTorch, NumPy,
safetensors and the standard library.
"""
