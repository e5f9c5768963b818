"""Ranges of seeds as text, as they stand in paths and on command lines."""

import re


def format_seeds(seeds: range) -> str:
    """Write consecutive seeds as ``3`` or ``0-4``."""
    return f"{seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"


def parse_seeds(text: str) -> range:
    """Read what :func:`format_seeds` wrote; raise :class:`ValueError` for anything else."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise ValueError(f"{text!r} is not a range of seeds such as 3 or 0-4")
    return range(int(match[1]), int(match[2] or match[1]) + 1)
