"""What to measure, validated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from l2rw.bench.peers import PEERS, installed
from l2rw.models import MODELS
from l2rw.store.errors import UserError, closest
from l2rw.training.device import PRECISIONS, choose_device


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    models: Sequence[str]
    device: str
    precision: str
    stack: int
    """Seeds trained at once."""
    threads: int
    """Of the CPU."""
    batch_size: int
    clean_batch_size: int | None
    """As the network's record says if None."""
    rounds: int
    steps: int
    """Consecutive steps of a way in a round."""
    compile: bool
    """Whether to compile the gradients, as the configuration's key of that name does."""
    three_passes: bool
    """Whether to measure Algorithm 1 in plain autograd, too."""
    peers: bool
    """Whether to measure L2RW by the libraries of :mod:`l2rw.bench.peers`, too."""
    contiguous: bool
    """Whether to measure all ways, not SGD alone, in contiguous memory format, too."""

    def check(self) -> None:
        """Raise :class:`UserError` for what cannot be measured."""
        for model in self.models:
            _check_name("model", model, MODELS)
        _check_name("device", self.device, ["auto", "cpu", "cuda"])
        _check_name("precision", self.precision, PRECISIONS)
        for key in ("stack", "threads", "batch_size", "clean_batch_size", "rounds", "steps"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise UserError(f"--{key.replace('_', '-')} is {value}.", "give at least 1.")
        if self.precision == "tf32" and choose_device(self.device).type != "cuda":
            raise UserError("Only CUDA devices compute in tf32.", "use --precision float32.")
        if self.peers and not installed():
            raise UserError(
                f"None of the peers is installed: {', '.join(PEERS)}.",
                "install them with `pip install higher torchopt`, or leave out --peers.",
            )
        if (self.three_passes or self.peers) and (self.stack > 1 or self.compile):
            raise UserError(
                "Plain autograd can be neither stacked nor compiled.",
                "leave out --three-passes and --peers, or --stack and --compile.",
            )

    def clean_batch_size_of(self, model: str) -> int:
        """Return the clean examples in a step."""
        return self.clean_batch_size or MODELS[model].clean_batch_size


def _check_name(kind: str, given: str, known: Iterable[str]) -> None:
    if given not in known:
        raise UserError(f"There is no {kind} {given!r}.", closest(given, known))
