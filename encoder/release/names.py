"""The names of the published tensors, what each is called in an `Encoder`, and the shape it has to have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoder.model.state_dict import some_of
from encoder.release.sizes import IMAGE_BLOCKS, TEXT_BLOCKS, ReleaseSizes, TransformerSizes
from kb.errors import ClearKbError

if TYPE_CHECKING:
    import torch

MASK_TOKEN = "visual.base.mask_token"
"""DINOv2's stand-in for patches hidden in its pretraining. It is left out: an image tower hides none, and a parameter
that no loss reaches stops a training on more than one GPU."""

POSITIONS = "image.backbone.embeddings.position_embeddings"
TEXT_PROJECTION = "text.model.text_projection.weight"


@dataclass(frozen=True, slots=True)
class Renaming:
    """A published tensor and its name here; if there are several, its rows are shared out evenly among them."""

    published: str
    ours: tuple[str, ...]
    shape: tuple[int, ...]


def renamings(sizes: ReleaseSizes) -> Iterator[Renaming]:
    """Every tensor of the published file, MASK_TOKEN aside."""
    yield from _image(sizes)
    yield from _text(sizes)
    yield Renaming("logit_scale", ("log_scale",), ())


def check_names(tensors: Mapping[str, torch.Tensor], sizes: ReleaseSizes) -> None:
    """Refuse a file in which a tensor is missing, unknown, or of another shape.

    Raises:
        ClearKbError: it names them.
    """
    wanted = {renaming.published: renaming.shape for renaming in renamings(sizes)}
    problems = [f"{name} is missing" for name in wanted if name not in tensors]
    problems += [f"{name} is unknown" for name in tensors if name not in wanted and name != MASK_TOKEN]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, not {shape}"
        for name, shape in wanted.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    if problems:
        raise ClearKbError(f"it is not the published CLEAR architecture: {some_of(problems)}")


def _image(sizes: ReleaseSizes) -> Iterator[Renaming]:
    width, base, ours = sizes.image.width, "visual.base", "image.backbone"
    yield Renaming(f"{base}.cls_token", (f"{ours}.embeddings.cls_token",), (1, 1, width))
    yield Renaming(f"{base}.pos_embed", (POSITIONS,), (1, 1 + sizes.grid**2, width))
    patch = (width, sizes.channels, sizes.patch, sizes.patch)
    yield from _affine(f"{base}.patch_embed.proj.", patch, f"{ours}.embeddings.patch_embeddings.projection")
    for number in range(sizes.image.layers):
        yield from _image_block(f"{IMAGE_BLOCKS}{number}", f"{ours}.encoder.layer.{number}", sizes.image)
    yield from _affine(f"{base}.norm.", (width,), f"{ours}.layernorm")
    yield from _affine("visual.projection.", (sizes.dimension, width), "image.projection")


def _image_block(base: str, ours: str, sizes: TransformerSizes) -> Iterator[Renaming]:
    width, hidden = sizes.width, sizes.width * sizes.ratio
    attention = f"{ours}.attention"
    yield from _affine(f"{base}.norm1.", (width,), f"{ours}.norm1")
    yield from _affine(f"{base}.attn.qkv.", (3 * width, width), *(f"{attention}.{part}_proj" for part in "qkv"))
    yield from _affine(f"{base}.attn.proj.", (width, width), f"{attention}.o_proj")
    yield Renaming(f"{base}.ls1.gamma", (f"{ours}.layer_scale1.lambda1",), (width,))
    yield from _affine(f"{base}.norm2.", (width,), f"{ours}.norm2")
    yield from _affine(f"{base}.mlp.fc1.", (hidden, width), f"{ours}.mlp.fc1")
    yield from _affine(f"{base}.mlp.fc2.", (width, hidden), f"{ours}.mlp.fc2")
    yield Renaming(f"{base}.ls2.gamma", (f"{ours}.layer_scale2.lambda1",), (width,))


def _text(sizes: ReleaseSizes) -> Iterator[Renaming]:
    width, ours = sizes.text.width, "text.model.text_model"
    tokens, positions = (f"{ours}.embeddings.{part}_embedding.weight" for part in ("token", "position"))
    yield Renaming("token_embedding.weight", (tokens,), (sizes.vocabulary, width))
    yield Renaming("positional_embedding", (positions,), (sizes.context, width))
    for number in range(sizes.text.layers):
        yield from _text_block(f"{TEXT_BLOCKS}{number}", f"{ours}.encoder.layers.{number}", sizes.text)
    yield from _affine("ln_final.", (width,), f"{ours}.final_layer_norm")
    yield Renaming("text_projection", (TEXT_PROJECTION,), (width, sizes.dimension))


def _text_block(base: str, ours: str, sizes: TransformerSizes) -> Iterator[Renaming]:
    width, hidden = sizes.width, sizes.width * sizes.ratio
    attention = f"{ours}.self_attn"
    yield from _affine(f"{base}.ln_1.", (width,), f"{ours}.layer_norm1")
    yield from _affine(f"{base}.attn.in_proj_", (3 * width, width), *(f"{attention}.{part}_proj" for part in "qkv"))
    yield from _affine(f"{base}.attn.out_proj.", (width, width), f"{attention}.out_proj")
    yield from _affine(f"{base}.ln_2.", (width,), f"{ours}.layer_norm2")
    yield from _affine(f"{base}.mlp.c_fc.", (hidden, width), f"{ours}.mlp.fc1")
    yield from _affine(f"{base}.mlp.c_proj.", (width, hidden), f"{ours}.mlp.fc2")


def _affine(published: str, shape: tuple[int, ...], *ours: str) -> Iterator[Renaming]:
    """The weight and the bias of a linear map or of a norm."""
    yield Renaming(f"{published}weight", tuple(f"{name}.weight" for name in ours), shape)
    yield Renaming(f"{published}bias", tuple(f"{name}.bias" for name in ours), shape[:1])
