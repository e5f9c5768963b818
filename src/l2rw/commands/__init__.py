"""The ``l2rw`` command."""
