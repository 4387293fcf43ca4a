"""The published CLEAR architecture written out a second time, from its equations: no transformers, in float64.

Every function reads the published names straight from a raw state dict. `random_release` makes such a state dict whose
numbers are large enough for every part of a block to matter.
"""

from __future__ import annotations

import math

import numpy as np
import torch

State = dict[str, torch.Tensor]
MEAN, DEVIATION = 101.48761, 83.43944


def random_release(
    *,
    width: int = 128,
    layers: int = 3,
    patch: int = 14,
    grid: int = 37,
    text_width: int = 64,
    text_layers: int = 2,
    vocabulary: int = 520,
    context: int = 16,
    dimension: int = 96,
    faint: float = 1.0,
    seed: int = 0,
) -> State:
    """Random weights under the published names; `faint` scales what goes into the first norm of either tower."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int, by: float = 1.0, around: float = 0.0) -> torch.Tensor:
        return around + by * torch.randn(*shape, generator=random)

    def linear(name: str, out: int, into: int, by: float = 1.0, separator: str = ".") -> None:
        state[f"{name}{separator}weight"] = normal(out, into, by=by / math.sqrt(into))
        state[f"{name}{separator}bias"] = normal(out, by=0.1)

    def norm(name: str, size: int) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = normal(size, by=0.2, around=1.0), normal(size, by=0.2)

    base = "visual.base"
    state: State = {
        f"{base}.cls_token": normal(1, 1, width, by=0.5 * faint),
        f"{base}.pos_embed": normal(1, 1 + grid * grid, width, by=0.5 * faint),
        f"{base}.mask_token": normal(1, width),
        f"{base}.patch_embed.proj.weight": normal(width, 3, patch, patch, by=faint / math.sqrt(3 * patch * patch)),
        f"{base}.patch_embed.proj.bias": normal(width, by=0.1 * faint),
        "token_embedding.weight": normal(vocabulary, text_width, by=0.5 * faint),
        "positional_embedding": normal(context, text_width, by=0.5 * faint),
        "text_projection": normal(text_width, dimension, by=1 / math.sqrt(text_width)),
        "logit_scale": torch.tensor(math.log(1 / 0.07)),
    }
    for at in (f"{base}.blocks.{number}" for number in range(layers)):
        norm(f"{at}.norm1", width)
        linear(f"{at}.attn.qkv", 3 * width, width, by=1.5)
        linear(f"{at}.attn.proj", width, width)
        state[f"{at}.ls1.gamma"] = normal(width, by=0.3, around=0.5)
        norm(f"{at}.norm2", width)
        linear(f"{at}.mlp.fc1", 4 * width, width)
        linear(f"{at}.mlp.fc2", width, 4 * width)
        state[f"{at}.ls2.gamma"] = normal(width, by=0.3, around=0.5)
    norm(f"{base}.norm", width)
    linear("visual.projection", dimension, width)
    for at in (f"transformer.resblocks.{number}" for number in range(text_layers)):
        norm(f"{at}.ln_1", text_width)
        linear(f"{at}.attn.in_proj", 3 * text_width, text_width, by=1.5, separator="_")
        linear(f"{at}.attn.out_proj", text_width, text_width)
        norm(f"{at}.ln_2", text_width)
        linear(f"{at}.mlp.c_fc", 4 * text_width, text_width)
        linear(f"{at}.mlp.c_proj", text_width, 4 * text_width)
    norm("ln_final", text_width)
    return state


def image_features(state: State, pixels: torch.Tensor) -> torch.Tensor:
    """The normalised class token of grey pixels 0 to 255, (n, size, size): (n, width), before the projection."""
    told = {name: tensor.double() for name, tensor in state.items() if name.startswith("visual.base.")}
    base = "visual.base"
    kernel = told[f"{base}.patch_embed.proj.weight"]
    patch, wanted = kernel.shape[-1], pixels.shape[-1] // kernel.shape[-1]
    grey = (pixels.double() - MEAN) / DEVIATION
    cut = grey.reshape(len(grey), wanted, patch, wanted, patch).permute(0, 1, 3, 2, 4).reshape(len(grey), wanted**2, -1)
    # The three channels are the same, so that their kernels add up.
    tokens = cut @ kernel.sum(1).flatten(1).T + told[f"{base}.patch_embed.proj.bias"]
    tokens = torch.cat([told[f"{base}.cls_token"].expand(len(grey), -1, -1), tokens], dim=1)
    tokens = tokens + positions_for(told[f"{base}.pos_embed"], wanted)
    for number in range(_count(told, f"{base}.blocks.")):
        at = f"{base}.blocks.{number}"
        mixed = _attention(
            _norm(tokens, told, f"{at}.norm1", 1e-6),
            (told[f"{at}.attn.qkv.weight"], told[f"{at}.attn.qkv.bias"]),
            (told[f"{at}.attn.proj.weight"], told[f"{at}.attn.proj.bias"]),
        )
        tokens = tokens + told[f"{at}.ls1.gamma"] * mixed
        hidden = _linear(_norm(tokens, told, f"{at}.norm2", 1e-6), told, f"{at}.mlp.fc1")
        hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        tokens = tokens + told[f"{at}.ls2.gamma"] * _linear(hidden, told, f"{at}.mlp.fc2")
    return _norm(tokens, told, f"{base}.norm", 1e-6)[:, 0]


def image_vectors(state: State, features: torch.Tensor) -> torch.Tensor:
    """Features through the projection, not normalised: (n, dimension)."""
    return _linear(
        features, {name: state[name].double() for name in state if "projection" in name}, "visual.projection"
    )


def text_vectors(state: State, tokens: list[list[int]]) -> torch.Tensor:
    """Projected vectors of tokens at each text's end token, which is the largest number, not normalised."""
    told = {name: tensor.double() for name, tensor in state.items() if not name.startswith("visual.")}
    return torch.stack([_text_vector(told, torch.tensor(row)) for row in tokens])


def positions_for(positions: torch.Tensor, wanted: int) -> torch.Tensor:
    """Positions (1, 1 + grid^2, width) for `wanted` patches a side: bicubic with DINOv2's offset, written out."""
    grid = math.isqrt(positions.shape[1] - 1)
    if grid == wanted:
        return positions
    along = torch.from_numpy(_cubic(grid, wanted))
    square = positions[0, 1:].reshape(grid, grid, -1)
    resized = torch.einsum("ai,bj,ijw->abw", along, along, square).flatten(0, 1)
    return torch.cat([positions[0, :1], resized])[None]


def _cubic(grid: int, wanted: int) -> np.ndarray:
    """The matrix (wanted, grid) of Keys' cubic convolution, a = -0.75, edges repeated, scale (wanted + 0.1) / grid."""
    matrix = np.zeros((wanted, grid))
    for row in range(wanted):
        centre = (row + 0.5) * grid / (wanted + 0.1) - 0.5
        for tap in range(math.floor(centre) - 1, math.floor(centre) + 3):
            matrix[row, min(max(tap, 0), grid - 1)] += _keys(abs(centre - tap))
    return matrix


def _keys(x: float, a: float = -0.75) -> float:
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def _text_vector(told: State, row: torch.Tensor) -> torch.Tensor:
    tokens = (told["token_embedding.weight"][row] + told["positional_embedding"][: len(row)])[None]
    for number in range(_count(told, "transformer.resblocks.")):
        at = f"transformer.resblocks.{number}"
        tokens = tokens + _attention(
            _norm(tokens, told, f"{at}.ln_1", 1e-5),
            (told[f"{at}.attn.in_proj_weight"], told[f"{at}.attn.in_proj_bias"]),
            (told[f"{at}.attn.out_proj.weight"], told[f"{at}.attn.out_proj.bias"]),
            causal=True,
        )
        hidden = _linear(_norm(tokens, told, f"{at}.ln_2", 1e-5), told, f"{at}.mlp.c_fc")
        tokens = tokens + _linear(hidden / (1 + torch.exp(-1.702 * hidden)), told, f"{at}.mlp.c_proj")
    return _norm(tokens, told, "ln_final", 1e-5)[0, int(row.argmax())] @ told["text_projection"]


def _attention(
    tokens: torch.Tensor,
    into: tuple[torch.Tensor, torch.Tensor],
    out: tuple[torch.Tensor, torch.Tensor],
    causal: bool = False,
) -> torch.Tensor:
    """Attention with heads of 64 numbers; `into` gives queries, keys and values at once."""
    count, length, width = tokens.shape
    mixed = (tokens @ into[0].T + into[1]).reshape(count, length, 3, width // 64, 64)
    queries, keys, values = (mixed[:, :, part].transpose(1, 2) for part in range(3))
    scores = queries @ keys.transpose(2, 3) / 8.0
    if causal:
        scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
    weights = torch.exp(scores - scores.amax(-1, keepdim=True))
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights @ values).transpose(1, 2).reshape(count, length, width) @ out[0].T + out[1]


def _norm(tokens: torch.Tensor, told: State, name: str, eps: float) -> torch.Tensor:
    centred = tokens - tokens.mean(-1, keepdim=True)
    spread = (centred**2).mean(-1, keepdim=True)
    return centred / torch.sqrt(spread + eps) * told[f"{name}.weight"] + told[f"{name}.bias"]


def _linear(tokens: torch.Tensor, told: State, name: str) -> torch.Tensor:
    return tokens @ told[f"{name}.weight"].T + told[f"{name}.bias"]


def _count(told: State, blocks: str) -> int:
    return len({name.removeprefix(blocks).split(".")[0] for name in told if name.startswith(blocks)})
