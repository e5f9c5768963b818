"""Random number generators that networks draw from: their states, kept and put back."""

import random
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch


class Randomness:
    """The state of all generators that networks draw from."""

    def __init__(self, devices: Iterable[torch.device]) -> None:
        """Keep the states of Python, NumPy if it is loaded, PyTorch, and the named CUDA devices."""
        self._python = random.getstate()
        self._numpy = sys.modules.get("numpy")
        self._of_numpy = self._numpy and self._numpy.random.get_state()
        self._cpu = torch.get_rng_state()
        self._cuda = {d: torch.cuda.get_rng_state(d) for d in set(devices) if d.type == "cuda"}

    def move_on(self) -> None:
        """Go on from states that follow from these, but differ: a pass draws other masks."""
        seed = int(torch.randint(2**31, (), device="cpu"))
        random.seed(seed)
        if self._numpy:
            self._numpy.random.seed(seed)
        torch.default_generator.manual_seed(seed)  # and not those of other devices
        for device in self._cuda:
            moved = torch.Generator(device).manual_seed(seed)
            torch.cuda.set_rng_state(moved.get_state(), device)

    def restore(self) -> None:
        """Put the states back."""
        random.setstate(self._python)
        if self._numpy:
            self._numpy.random.set_state(self._of_numpy)
        torch.set_rng_state(self._cpu)
        for device, state in self._cuda.items():
            torch.cuda.set_rng_state(state, device)


def undo_of_generator(value: Any) -> Callable[[], object] | None:
    """Return what puts the state of a random number generator back, or None if it is none."""
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return partial(value.setstate, value.getstate())
    if isinstance(value, torch.Generator):
        return partial(value.set_state, value.get_state())
    numpy = sys.modules.get("numpy")
    if numpy and isinstance(value, numpy.random.RandomState):
        return partial(value.set_state, value.get_state())
    if numpy and isinstance(value, numpy.random.Generator):
        return partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    return None
