"""What a command says where PyTorch is installed, but not the pipeline."""

from collections.abc import Iterator
from contextlib import contextmanager

from l2rw.store.errors import UserError

IMPORTED = frozenset(
    {
        "filelock",
        "jinja2",
        "markdown_it",
        "matplotlib",
        "numpy",
        "pandas",
        "PIL",
        "pydantic",
        "rich",
        "safetensors",
        "scipy",
        "sklearn",
        "snakemake",
        "torchvision",
        "tqdm",
        "yaml",
    }
)
"""The packages of the extra ``pipeline`` in pyproject.toml that this package imports, by module."""


@contextmanager
def explained_if_absent() -> Iterator[None]:
    """Say what to install if a package of the pipeline cannot be imported.

    Raises:
        UserError: One of :data:`IMPORTED` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in IMPORTED:
            raise
        from l2rw.running.snakemake import INSTALL

        raise UserError(f"This command needs the pipeline: {error}.", INSTALL) from error
