"""Tables of names and import paths, readable without importing what they name."""

from importlib import import_module
from typing import Any

Registry = dict[str, str]


def load(registry: Registry, name: str) -> Any:
    """Import what a table holds under a name, as ``module:attribute``."""
    module, _, attribute = registry[name].partition(":")
    return getattr(import_module(module), attribute)
