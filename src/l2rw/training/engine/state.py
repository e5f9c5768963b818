"""Everything that changes while a stack of seeds trains, and its checkpoints."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from l2rw.core.batchnorm import Tensors
from l2rw.core.weight_tracker import WeightTracker
from l2rw.core.weights import Parameters
from l2rw.store.errors import UserError
from l2rw.store.sealed_tensors import verify_sealed, write_sealed
from l2rw.training.engine.optimizers import Variables
from l2rw.training.history import Means, Snapshot, Tally


@dataclass
class State:
    """Tensors have a leading seed dimension and stay in their places. Randomness has no state."""

    step: int
    """Steps done, as the host counts them."""
    counter: Tensor
    """Steps done, as the device counts them: scalar int64."""
    parameters: Parameters
    velocity: Parameters
    """First moments of the optimiser: SGD's momentum."""
    squares: Parameters
    """Second moments of the parameters that Adam trains."""
    buffers: Tensors
    method: Tensors
    """What the method remembers."""
    tally: Tally
    """Since the last evaluation."""
    weight_tracker: WeightTracker
    """Since the first step."""
    history: list[list[Snapshot]]
    """Lines by seed."""
    seconds: float = 0.0
    """Seconds that all attempts together took up to the last checkpoint."""

    @classmethod
    def initial(
        cls,
        values: Sequence[tuple[Parameters, Tensors]],
        examples: int,
        device: torch.device,
        *,
        method: Sequence[Tensors] = ({},),
        squared: Collection[str] = (),
    ) -> "State":
        """Return the state before the first step.

        Args:
            values: Parameters and buffers of each seed.
            examples: Number of training examples of a seed.
            device: Where to train.
            method: What the method remembers of each seed.
            squared: Names of the parameters that Adam trains.
        """
        parameters = _stacked([parameters for parameters, _ in values], device)
        return cls(
            step=0,
            counter=torch.zeros((), dtype=torch.int64, device=device),
            parameters=parameters,
            velocity={name: torch.zeros_like(p) for name, p in parameters.items()},
            squares={name: torch.zeros_like(parameters[name]) for name in squared},
            buffers=_stacked([buffers for _, buffers in values], device),
            method=_stacked(method, device),
            tally=Tally(len(values), device),
            weight_tracker=WeightTracker(len(values), examples, device),
            history=[[] for _ in values],
        )

    @property
    def variables(self) -> Variables:
        """What the optimiser changes."""
        return Variables(self.parameters, self.velocity, self.squares)

    def means(self) -> list[Means]:
        """Return training figures by seed: since the last evaluation, or those of it."""
        if self.tally.steps:
            return self.tally.means()
        return [lines[-1].means for lines in self.history]

    def first_bad(self) -> tuple[int, int] | None:
        """Return (place in the stack, step) of the first seed that is no longer finite, if any.

        The step is exact for a loss; parameters are looked at only when this is called.
        """
        bad = self.tally.first_bad_step()
        if bad is None:
            sums = torch.stack([p.reshape(len(p), -1).sum(1) for p in self.parameters.values()])
            broken = (~sums.isfinite()).any(0).nonzero().flatten().tolist()
            bad = (broken[0], self.step) if broken else None
        return bad

    def of_seed(self, index: int) -> tuple[Parameters, Tensors]:
        """Return parameters and buffers of one seed, by its place in the stack."""
        return _of_seed(self.parameters, index), _of_seed(self.buffers, index)

    def method_of_seed(self, index: int) -> Tensors:
        """Return what the method remembers of one seed, by its place in the stack."""
        return _of_seed(self.method, index)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield all that a step changes, by name."""
        yield "counter", self.counter
        for kind in ("parameters", "velocity", "squares", "buffers", "method"):
            for name, tensor in getattr(self, kind).items():
                yield f"{kind}/{name}", tensor
        yield from (
            ("tally/steps", self.tally.steps),
            ("tally/sums", self.tally.sums),
            ("tally/first_bad", self.tally.first_bad),
        )
        yield from (
            ("weights/sums", self.weight_tracker.sums),
            ("weights/times", self.weight_tracker.times),
        )

    def save(self, path: Path, fingerprint: str) -> None:
        """Write a checkpoint, atomically.

        Args:
            path: File to replace.
            fingerprint: What the run is; :meth:`restore` asks for the same.
        """
        header = {
            "fingerprint": fingerprint,
            "step": json.dumps(self.step),
            "seconds": json.dumps(self.seconds),
            "history": json.dumps([[asdict(line) for line in lines] for lines in self.history]),
        }
        write_sealed(path, dict(self.tensors()), header)

    def restore(self, path: Path, fingerprint: str) -> None:
        """Continue from a checkpoint; tensors keep their memory format, so numbers stay the same.

        Raises:
            UserError: The checkpoint is another run's, damaged, or cannot be read.
        """
        from safetensors import SafetensorError, safe_open

        hint = f"delete {path} to start this run again."
        try:
            verify_sealed(path)
            with safe_open(path, framework="pt") as file:
                header = file.metadata()
                if header["fingerprint"] != fingerprint:
                    raise UserError(
                        f"The checkpoint {path} belongs to another run: it says "
                        f"{header['fingerprint']}, not {fingerprint}.",
                        hint,
                    )
                for name, tensor in self.tensors():
                    tensor.copy_(file.get_tensor(name))
        except (SafetensorError, ValueError, OSError) as error:
            raise UserError(f"The checkpoint {path} cannot be read: {error}.", hint) from None
        self.step = json.loads(header["step"])
        self.seconds = json.loads(header.get("seconds", "0.0"))
        self.history = [
            [Snapshot(**line) for line in lines] for lines in json.loads(header["history"])
        ]


def _of_seed(stacked: Tensors, index: int) -> Tensors:
    return {name: tensor[index] for name, tensor in stacked.items()}


def _stacked(of_seed: Sequence[Tensors], device: torch.device) -> Tensors:
    return {name: _stack([t[name] for t in of_seed]).to(device) for name in of_seed[0]}


def _stack(tensors: Sequence[Tensor]) -> Tensor:
    # torch.stack would forget the memory format of a single seed's tensors.
    return tensors[0].unsqueeze(0).clone() if len(tensors) == 1 else torch.stack(list(tensors))
