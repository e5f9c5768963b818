"""What the header of a checkpoint says, read without PyTorch."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Header:
    """Of which run a checkpoint is, and how far."""

    fingerprint: str
    step: int


def read_header(path: Path) -> Header:
    """Read the header of a checkpoint that :meth:`l2rw.training.engine.state.State.save` wrote.

    Raises:
        ValueError: It is none.
    """
    with path.open("rb") as file:
        # The safetensors format: the length of a JSON text in eight bytes, then the text.
        size = int.from_bytes(file.read(8), "little")
        if size > path.stat().st_size:
            raise ValueError("the file is cut short")
        text = file.read(size)
    try:
        facts = json.loads(text)["__metadata__"]
        return Header(str(facts["fingerprint"]), int(facts["step"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not a checkpoint ({error})") from None


def steps_kept(paths: list[Path]) -> dict[str, int]:
    """Return the steps that checkpoints hold, by their stack of seeds, such as ``seed-0-4``.

    One that cannot be read holds none: training will say so when it is to go on from it.
    """
    steps = {}
    for path in paths:
        with suppress(OSError, ValueError):
            steps[path.stem] = read_header(path).step
    return steps
