"""Which way computes the weights, why, and what no way computes right."""

import sys
from contextlib import ExitStack
from functools import partial
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel
from torch.nn.parameter import is_lazy

from l2rw.core.distributed import Processes, is_sharded, trains_in_several_processes
from l2rw.core.independence import HOOKS, examples_are_independent

ModeName = Literal["layer-wise", "forward", "double backward", "example by example"]
MODES: tuple[str, ...] = get_args(ModeName)


class Mode(str):
    """A mode's name, which also says why it was chosen."""

    why: str

    def __new__(cls, name: str, why: str) -> "Mode":
        """Args: ``name`` is one of :data:`MODES`."""
        mode = super().__new__(cls, name)
        mode.why = why
        return mode

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Let modes, and what holds them, be copied and pickled."""
        return str(self), self.why


def first_choice(model: nn.Module, loss: object) -> Mode:
    """Return the mode that types alone speak for."""
    if any(isinstance(m, DistributedDataParallel) or is_sharded(m) for m in model.modules()):
        return Mode("double backward", "processes that train together count the passes of a step")
    if examples_are_independent(model, loss):
        return Mode("layer-wise", "types show that no layer mixes examples")
    return Mode(
        "forward", "layers may mix examples; forward derivatives are tried on the first batch"
    )


def signature(model: nn.Module) -> int:
    """Return a number that changes when modules, their hooks, or their modes do."""
    return hash(
        tuple(
            (id(m), m.training, "forward" in vars(m), *(len(getattr(m, kind)) for kind in HOOKS))
            for m in model.modules()
        )
    )


def refuse(model: nn.Module, parameters: list[nn.Parameter]) -> None:
    """Refuse what no mode treats right.

    Raises:
        ValueError: Names the module, says why, and what to do.
    """
    if torch.is_inference_mode_enabled():
        raise ValueError(
            "torch.inference_mode() keeps no gradients; call backward outside it "
            "(torch.no_grad() does no harm)"
        )
    if not parameters:
        raise ValueError("no parameter of the model requires a gradient: nothing can be trained")
    several = trains_in_several_processes()
    for name, module in model.named_modules():
        where = f"{type(module).__name__} {name!r}" if name else type(module).__name__
        if any(is_lazy(p) for p in module._parameters.values()):
            raise ValueError(
                f"{where} has no parameters yet; pass a batch through the model once, "
                "and give the optimiser its parameters after that"
            )
        if isinstance(module, nn.SyncBatchNorm) and module.training and several:
            raise ValueError(
                f"{where} mixes examples of several processes, whose gradients are not available; "
                "use batch normalisation by process (nn.BatchNorm2d) or nn.GroupNorm"
            )
        if isinstance(module, DistributedDataParallel) and module.static_graph:
            raise ValueError(
                f"{where} with static_graph=True counts the backward passes of a step, and "
                "weights need more than one; leave static_graph out"
            )
        if type(module).__name__ == "FullyShardedDataParallel":
            raise ValueError(
                f"{where} holds parameters as views that are gone between passes; "
                "use fully_shard or DistributedDataParallel"
            )


def refuse_unwrapped(processes: Processes) -> None:
    """Refuse to train one network in several processes that do not average its gradients.

    Raises:
        ValueError: Nothing wraps the model, and nobody said that this is meant.
    """
    if trains_in_several_processes() and processes.count == 1:
        raise ValueError(
            "several processes run, but nothing averages this model's gradients: give Reweighter "
            "the DistributedDataParallel or fully_shard model that the loop calls, or "
            'normalisation="local" if each process trains on its own'
        )


def differentiable_kernels(model: nn.Module) -> ExitStack:
    """Turn off, for a while, fused kernels that lack the derivatives needed, and compilation."""
    stack = ExitStack()
    fast_path = torch.backends.mha.get_fastpath_enabled()
    stack.callback(torch.backends.mha.set_fastpath_enabled, fast_path)
    torch.backends.mha.set_fastpath_enabled(False)
    stack.enter_context(sdpa_kernel(SDPBackend.MATH))
    if any(isinstance(module, nn.RNNBase) for module in model.modules()):
        # Without a word on TF32, which would make PyTorch warn of GPUs that are not there.
        switch = partial(torch.backends.mkldnn.set_flags, _fp32_precision=None)
        stack.callback(switch, switch(False)[0])
        if torch.cuda.is_available():
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
    if "torch._dynamo" in sys.modules:  # compiled graphs have first derivatives alone
        stack.enter_context(torch.compiler.set_stance("force_eager"))
    return stack


def short(error: BaseException) -> str:
    """Return the first sentence of an error."""
    sentence = f"{type(error).__name__}: {error}".strip(": ").splitlines()[0]
    return sentence[:200]
