"""Networks and losses of which it is known, from their types alone, that they never mix examples.

Types are exact: what a subclass, a hook or a module with code of its own does cannot be seen from
outside, and a single ``x - x.mean(0)`` mixes all examples.
"""

from typing import Any

from torch import nn
from torch.nn.modules.module import _has_any_global_hook

from l2rw.core.layers import LINEAR_LAYERS, is_linear_in_parameters

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where modules keep functions that act on passes through them."""
_ACTIVATIONS = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Tanhshrink, nn.Softplus, nn.Softshrink, nn.Softsign),
    *(nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Threshold),
)
_POOLS = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
MODULES = frozenset(
    {nn.Sequential, nn.Identity, *_ACTIVATIONS, *_POOLS, *_DROPOUTS, *LINEAR_LAYERS}
)
LOSSES = frozenset(
    {
        *(nn.CrossEntropyLoss, nn.NLLLoss, nn.BCELoss, nn.BCEWithLogitsLoss, nn.MSELoss),
        *(nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.PoissonNLLLoss, nn.SoftMarginLoss),
        *(nn.MultiMarginLoss, nn.MultiLabelMarginLoss, nn.MultiLabelSoftMarginLoss, nn.KLDivLoss),
    }
)


def examples_are_independent(model: nn.Module, loss: object) -> bool:
    """Whether no example's loss depends on another example, for all that types can tell."""
    if type(loss) not in LOSSES or getattr(loss, "reduction", "") != "none" or _is_altered(loss):
        return False
    if _has_any_global_hook():  # type: ignore[no-untyped-call]
        return False
    return all(_keeps_examples_apart(module) for module in model.modules())


def draws_masks(model: nn.Module) -> bool:
    """Whether a pass of such a network draws random numbers."""
    return any(isinstance(m, _DROPOUTS) and m.p > 0 and m.training for m in model.modules())


def _keeps_examples_apart(module: nn.Module) -> bool:
    if _is_altered(module):
        return False
    if type(module) is nn.Flatten:
        return module.start_dim > 0
    if type(module) in LINEAR_LAYERS:
        return is_linear_in_parameters(module)
    return type(module) in MODULES


def _is_altered(module: Any) -> bool:
    """Whether hooks, or a ``forward`` of its own, change what a module of this type does."""
    return "forward" in vars(module) or any(getattr(module, kind) for kind in HOOKS)
