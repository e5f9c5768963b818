"""A step that is captured on a GPU and replayed by one launch; elsewhere it is just called."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3
"""Steps before the capture: libraries set up what they need, and kernels are compiled."""

log = logging.getLogger(__name__)


class Replay:
    """Does what a step does, as often as it is called.

    A small network's step is thousands of kernels, and to launch them one by one takes the host
    longer than it takes the GPU to run them. A CUDA graph holds them all. It reads and writes the
    memory that the step did when it was captured, so the step must work in place.
    """

    def __init__(
        self,
        step: Callable[[], None],
        changes: list[Tensor],
        device: torch.device,
        *,
        capture: bool,
    ) -> None:
        """Wrap a step.

        Args:
            step: Works in place, and never waits for the host.
            changes: All tensors that it changes and that outlive it.
            device: Where it works.
            capture: Whether to capture it, if the device can.
        """
        self._step, self._changes = step, changes
        self._capture = capture and device.type == "cuda"
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Do a step."""
        if self._capture:
            self._capture = False
            self._graph = self._captured()
        if self._graph is None:
            self._step()
        else:
            self._graph.replay()

    def _captured(self) -> torch.cuda.CUDAGraph | None:
        """Capture the step, and leave everything as it was."""
        kept = [tensor.clone() for tensor in self._changes]
        # Masks of dropout are seeded before a step, and this step is yet to come.
        randomness = torch.cuda.get_rng_state()
        stream = _stream_of_its_own()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=stream):
                self._step()
        except RuntimeError as error:
            log.warning("steps are launched kernel by kernel: %s", str(error).partition("\n")[0])
            return None
        finally:
            for tensor, before in zip(self._changes, kept, strict=True):
                tensor.copy_(before)
            torch.cuda.set_rng_state(randomness)
        return graph


def _stream_of_its_own() -> torch.cuda.Stream:
    """Return the present stream if it can be captured, which the default one cannot, or another.

    Graphs that are captured on one stream share scratch memory of cuBLAS, so those of runs that
    overlap must not be.
    """
    present = torch.cuda.current_stream()
    if present != torch.cuda.default_stream():
        return present
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]
