"""Pooling: what of a backbone's output becomes the feature of the whole image.

    class      the class token, after the last norm
    mean       the mean of all patches (of a convolutional net, the global average of its last map)
    attention  the attention pool that was trained with it (SigLIP's head)
    pooler     what the architecture itself gives: a global average with the last norm, a dense layer on the class token

`auto` is the first of these that the architecture was trained with; the table AUTO says which that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from kb.errors import UsageError

if TYPE_CHECKING:
    import torch

Pooling = Literal["auto", "class", "mean", "attention", "pooler"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

LEADING = {
    "vit": 1,
    "deit": 2,
    "vit_msn": 1,
    "vit_mae": 1,
    "beit": 1,
    "data2vec-vision": 1,
    "dinov2": 1,
    "dinov2_with_registers": 1,
    "dinov3_vit": 1,
    "dinov3_convnext": 1,
    "pvt": 1,
    "tipsv2_vision_model": 1,
}
"""Tokens before the patches, by type of transformers, registers aside; the first is the class token."""

NORMED_CLASS = (
    "clip_vision_model",
    "chinese_clip_vision_model",
    "altclip_vision_model",
    "metaclip_2_vision_model",
    "clipseg_vision_model",
    "blip_vision_model",
    "mlcd_vision_model",
)
"""Types whose last norm is applied to the class token alone, and given as their `pooler_output`."""

ATTENTION = ("siglip_vision_model", "siglip2_vision_model", "aimv2_vision_model")
"""Types whose `pooler_output` is an attention pool."""

NO_POOLER = ("data2vec-vision", "ijepa", "pvt_v2", "poolformer", "swiftformer", "segformer", "vitdet", "cvt")
"""Types that are read by the mean of what they give, unless they have a class token of their own."""

AUTO: dict[str, Pooling] = {
    **dict.fromkeys(NO_POOLER, "mean"),
    **dict.fromkeys(ATTENTION, "attention"),
    **dict.fromkeys((*LEADING, *NORMED_CLASS, "cvt"), "class"),
    # Trained with the mean of the patches: its pooler is that mean with a norm, or its class token where it has none.
    "beit": "pooler",
    "data2vec-vision": "mean",
    "dinov3_convnext": "pooler",
}
"""What `auto` is, by type of transformers; `pooler` for all others."""


def resolved_pooling(model_type: str, asked: Pooling) -> Pooling:
    """The pooling that is used of a type of transformers.

    Raises:
        UsageError: there is no such pooling, or the type has none.
    """
    if asked not in POOLINGS:
        raise UsageError(f"pooling '{asked}': one of {', '.join(POOLINGS)}")
    if asked == "class" and model_type not in (*LEADING, *NORMED_CLASS, "cvt"):
        raise UsageError(f"{model_type} has no class token: pooling auto, mean or pooler")
    if asked == "attention" and model_type not in ATTENTION:
        raise UsageError(f"{model_type} has no attention pool: pooling auto, class, mean or pooler")
    return AUTO.get(model_type, "pooler") if asked == "auto" else asked


def pooled(given: Any, *, pooling: str, config: Any) -> torch.Tensor:
    """The features (n, width) of what a network of transformers gave.

    Raises:
        UsageError: it gave nothing that can be pooled so.
    """
    kind = config.model_type
    if pooling == "mean":
        return _mean(given.last_hidden_state, _leading(config))
    if pooling == "class" and kind not in NORMED_CLASS:
        if kind == "cvt":
            return given.cls_token_value.flatten(1)
        return given.last_hidden_state[:, 0]
    found = getattr(given, "pooler_output", None)
    if found is None:
        raise UsageError(f"{kind} has no pooling of its own: pooling mean")
    return found.flatten(1)


def _leading(config: Any) -> int:
    first = LEADING.get(config.model_type, 1 if config.model_type in NORMED_CLASS else 0)
    return first + (getattr(config, "num_register_tokens", 0) or 0)


def _mean(hidden: torch.Tensor, leading: int) -> torch.Tensor:
    return hidden.mean((2, 3)) if hidden.ndim == 4 else hidden[:, leading:].mean(1)
