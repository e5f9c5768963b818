"""Ranges of seeds as text, as they stand in paths and on command lines."""


def format_seeds(seeds: range) -> str:
    """Write consecutive seeds as ``3`` or ``0-4``."""
    return f"{seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"


def parse_seeds(text: str) -> range:
    """Read what :func:`format_seeds` wrote; raise :class:`ValueError` for anything else."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
