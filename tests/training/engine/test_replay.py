"""What a capture leaves behind, without a GPU: in place of a graph, the step itself is called."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch

from l2rw.training.engine.replay import WARM_UP, Replay

CUDA = torch.device("cuda")


class Stream:
    """Remembers nothing; two of them differ."""

    def wait_stream(self, other):
        """Everything is done already."""


class Graph:
    """Calls what ran while it was captured."""

    def replay(self):
        self.step()


@pytest.fixture
def gpu(monkeypatch):
    """Let the CPU play the GPU: its present stream may be changed; it lists those captured."""
    gpu = SimpleNamespace(default=Stream(), present=Stream(), captured=[])

    @contextmanager
    def capture(graph, stream):
        assert stream is not gpu.default
        gpu.captured.append(stream)
        graph.step = Steps.of_now
        yield

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: gpu.present)
    monkeypatch.setattr(torch.cuda, "default_stream", lambda: gpu.default)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "get_rng_state", torch.get_rng_state)
    monkeypatch.setattr(torch.cuda, "set_rng_state", torch.set_rng_state)
    return gpu


class Steps:
    """Adds a random number to a sum."""

    of_now = None

    def __init__(self):
        self.sum, self.calls = torch.zeros(()), 0
        Steps.of_now = self

    def __call__(self):
        self.calls += 1
        self.sum += torch.rand(())


@pytest.mark.usefixtures("gpu")
def test_a_captured_step_begins_with_the_state_and_the_masks_it_would_have_had():
    steps, plain = Steps(), torch.zeros(())
    step = Replay(steps, [steps.sum], CUDA, capture=True)
    for seed in range(3):
        torch.manual_seed(seed)
        step()
    for seed in range(3):
        torch.manual_seed(seed)
        plain += torch.rand(())
    assert torch.equal(steps.sum, plain)
    assert steps.calls == WARM_UP + 1 + 3


def test_a_run_is_captured_on_the_stream_that_it_runs_on(gpu):
    steps = Steps()
    Replay(steps, [steps.sum], CUDA, capture=True)()
    assert gpu.captured == [gpu.present]
    gpu.present = gpu.default  # which cannot be captured
    for _ in range(2):
        Replay(steps, [steps.sum], CUDA, capture=True)()
    assert len(set(gpu.captured)) == 3


@pytest.mark.usefixtures("gpu")
def test_what_cannot_be_captured_is_called(monkeypatch, caplog):
    def refuse(graph, stream):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    steps, seed = Steps(), 5
    step = Replay(steps, [steps.sum], CUDA, capture=True)
    torch.manual_seed(seed)
    step()
    torch.manual_seed(seed)
    assert torch.equal(steps.sum, torch.rand(()))
    assert caplog.messages == [
        "steps are launched kernel by kernel: operation not permitted when stream is capturing"
    ]


def test_a_cpu_captures_nothing():
    steps = Steps()
    step = Replay(steps, [steps.sum], torch.device("cpu"), capture=True)
    step()
    step()
    assert steps.calls == 2
