"""Networks that no one here wrote: random weights, small inputs, dropout off.

Dropout is off because a reference cannot know which masks the clean pass draws.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

CLASSES = 5
VOCABULARY, LENGTH = 50, 12


class Network(NamedTuple):
    """How to make a network, what it takes, and where its outputs have the logits."""

    library: str
    make: Callable[[], nn.Module]
    inputs: Callable[[int], Any]
    targets: Callable[[int], Tensor] = lambda n: torch.randint(CLASSES, (n,))
    logits: Callable[[Any], Tensor] = lambda outputs: outputs
    tolerance: float = 1e-9
    """More where parts of the network compute in float32 whatever its parameters are."""


def images(size: int) -> Callable[[int], Tensor]:
    return lambda n: torch.randn(n, 3, size, size)


def tokens(n: int) -> dict[str, Tensor]:
    return {
        "input_ids": torch.randint(3, VOCABULARY, (n, LENGTH)),
        "attention_mask": torch.ones(n, LENGTH, dtype=torch.int64),
    }


def of_timm(name: str, size: int = 32, **options: Any) -> Network:
    def make() -> nn.Module:
        import timm

        return timm.create_model(name, num_classes=CLASSES, **options)

    return Network("timm", make, images(size))


def of_torchvision(name: str, size: int = 32, **options: Any) -> Network:
    def make() -> nn.Module:
        import torchvision

        return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **options)

    return Network("torchvision", make, images(size))


def for_segmentation(name: str, size: int = 32) -> Network:
    def make() -> nn.Module:
        import torchvision

        options = {"weights": None, "weights_backbone": None, "num_classes": CLASSES}
        return torchvision.models.get_model(name, **options)

    return Network(
        *("torchvision", make, images(size), lambda n: torch.randint(CLASSES, (n, size, size))),
        lambda outputs: outputs["out"],
    )


def of_transformers(name: str, inputs: Callable[[int], Any] = tokens, **options: Any) -> Network:
    def make() -> nn.Module:
        import transformers

        task = "ForImageClassification" if inputs is not tokens else "ForSequenceClassification"
        config = getattr(transformers, f"{name}Config")(num_labels=CLASSES, **options)
        return getattr(transformers, f"{name}{task}")(config)

    return Network("transformers", make, inputs, logits=lambda outputs: outputs.logits)


TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
}
SIGHT = {
    **{key: TEXT[key] for key in list(TEXT)[1:5]},
    "image_size": 32,
    "patch_size": 8,
}
NETWORKS = {
    "mobilenetv3_small_050": of_timm("mobilenetv3_small_050"),
    "efficientnet_lite0": of_timm("efficientnet_lite0"),
    "timm densenet121": of_timm("densenet121"),
    "resnetv2_50": of_timm("resnetv2_50"),
    "regnetx_002": of_timm("regnetx_002"),
    "timm resnet18": of_timm("resnet18"),
    "convnext_atto": of_timm("convnext_atto"),
    "vit_tiny": of_timm("vit_tiny_patch16_224", img_size=32),
    "vit2": of_timm("test_vit2", 64),
    "byobnet": of_timm("test_byobnet", 64),
    "nfnet": of_timm("test_nfnet", 64),
    "maxvit": of_timm("test_maxvit", 64, img_size=64),
    "efficientnet_gn": of_timm("test_efficientnet_gn", 64),
    "ghostnet_050": of_timm("ghostnet_050"),
    "mobilevit_xxs": of_timm("mobilevit_xxs", 64),
    "torchvision resnet18": of_torchvision("resnet18"),
    "mobilenet_v2": of_torchvision("mobilenet_v2"),
    "shufflenet_v2_x0_5": of_torchvision("shufflenet_v2_x0_5"),
    "mnasnet0_5": of_torchvision("mnasnet0_5"),
    "squeezenet1_1": of_torchvision("squeezenet1_1"),
    "swin_t": of_torchvision("swin_t"),
    "lraspp_mobilenet_v3_large": for_segmentation("lraspp_mobilenet_v3_large"),
    "Bert": of_transformers("Bert", **TEXT),
    "Roberta": of_transformers("Roberta", **TEXT),
    "Electra": of_transformers("Electra", embedding_size=16, **TEXT),
    "DistilBert": of_transformers(
        "DistilBert", vocab_size=VOCABULARY, dim=16, n_layers=2, n_heads=2, hidden_dim=24
    ),
    "Albert": of_transformers("Albert", embedding_size=8, **TEXT),
    "GPT2": of_transformers(
        "GPT2", vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2, pad_token_id=0
    ),
    "Llama": of_transformers("Llama", **TEXT)._replace(tolerance=1e-6),
    "Mistral": of_transformers("Mistral", num_key_value_heads=1, **TEXT)._replace(tolerance=1e-6),
    "ViT": of_transformers("ViT", lambda n: {"pixel_values": torch.randn(n, 3, 32, 32)}, **SIGHT),
}


def made(network: Network, dtype: torch.dtype = torch.float64) -> nn.Module:
    """Draw a network's initial values, always the same, with all dropout off."""
    torch.manual_seed(0)
    model = network.make().to(dtype).train()
    for module in model.modules():
        for name, value in list(vars(module).items()):
            drops = any(word in type(module).__name__ for word in ("Drop", "StochasticDepth"))
            if isinstance(value, float) and ("drop" in name or (drops and name == "p")):
                setattr(module, name, 0.0)
    return model


def drawn(network: Network, n: int, seed: int, dtype: torch.dtype = torch.float64) -> Any:
    """Draw inputs and targets."""
    torch.manual_seed(seed)
    inputs = network.inputs(n)
    if isinstance(inputs, dict):
        inputs = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    else:
        inputs = inputs.to(dtype)
    return inputs, network.targets(n)


def loss_of(network: Network) -> Callable[[Any, Tensor], Tensor]:
    """Return cross-entropy by example, of pixels their mean."""

    def loss(outputs: Any, targets: Tensor) -> Tensor:
        values = nn.functional.cross_entropy(network.logits(outputs), targets, reduction="none")
        return values.flatten(1).mean(1) if values.dim() > 1 else values

    return loss
