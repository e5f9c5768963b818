"""The training step and its loop: a faster engine replaces this folder only."""
