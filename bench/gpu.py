"""What a GPU gives: training and encoding of the published image tower, beside the published recipe's loop in one run.

    python -m bench.gpu            from a bare checkout: torch, transformers and numpy are all it needs

It runs within ten minutes on one GPU, and on a small model where there is none, so that it is known to run. Memory is
what decides the batch: the largest of some that fits. The table comes last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from encoder.model.architecture import ImageArchitecture
from encoder.model.image_tower import ImageTower
from encoder.training.concept_loss import concept_loss
from encoder.training.tracking.chip_peak import peak_of
from encoder.vectors.precision import Precision, computing_in

PUBLISHED_BATCH = 64
CONCEPTS, EMBEDDING = 512, 4096
CLIP = 3.0
WARM, STEPS = 5, 15
PARITY = 64


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is measured: the published tower on a GPU, a small one elsewhere."""

    device: str
    backbone: dict[str, Any]
    dimension: int
    size: int
    batches: tuple[int, ...]

    @property
    def on_gpu(self) -> bool:
        """Whether this is the real thing."""
        return self.device == "cuda"

    @property
    def ours(self) -> str:
        """How we run it; autocast costs time where there is no GPU."""
        return "bfloat16, compiled" if self.on_gpu else "float32"

    @property
    def theirs(self) -> str:
        """How the published loop runs it."""
        return "float16" if self.on_gpu else "float32"


GPU = Setting(
    device="cuda",
    backbone={"model_type": "dinov2", "image_size": 448, "patch_size": 14, "use_mask_token": False},
    dimension=768,
    size=448,
    batches=(256, 128, 64),
)
CPU = Setting(
    device="cpu",
    backbone={
        "model_type": "dinov2",
        "image_size": 56,
        "patch_size": 14,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "use_mask_token": False,
    },
    dimension=16,
    size=56,
    batches=(16,),
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    what: str
    images_per_second: float
    share_of_peak: float | None


def main() -> None:
    """Measure, and print a table and one line of JSON."""
    setting = GPU if torch.cuda.is_available() else CPU
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(0)
    work = _operations(setting)
    figures = [_training(setting, 3 * work), _published_training(setting, 3 * work)]
    figures += [_encoding(setting, work, "bfloat16"), _encoding(setting, work, "float32")]
    figures += [_encoding(setting, work, "bfloat16", compiled=True)]
    _print(setting, figures, _parity(setting))


def _training(setting: Setting, work: float) -> Figure:
    """Ours: bfloat16, compiled, the concept loss, fused AdamW."""
    tower = _tower(setting).train()
    compiled: Callable[[torch.Tensor], torch.Tensor] = torch.compile(tower) if setting.on_gpu else tower
    text = torch.nn.Linear(EMBEDDING, setting.dimension, bias=False, device=setting.device)
    embeddings = torch.randn(CONCEPTS, EMBEDDING, device=setting.device)
    scale, bias = torch.tensor(2.3, device=setting.device), torch.tensor(-2.0, device=setting.device)
    parameters = [*tower.parameters(), *text.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, fused=setting.on_gpu or None)

    def step(pixels: torch.Tensor) -> None:
        relations = torch.randint(0, 4, (len(pixels), CONCEPTS), device=setting.device, dtype=torch.int8)
        with _autocast(setting, torch.bfloat16):
            vectors = compiled(pixels)
        concepts = torch.nn.functional.normalize(text(embeddings), dim=-1)
        loss = concept_loss(vectors @ concepts.T * scale.exp() + bias, relations, images=len(pixels), denied_weight=1.0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    batch, rate = _largest(setting, step)
    return _figure(setting, f"training, {setting.ours}, batch {batch}", rate, work)


def _published_training(setting: Setting, work: float) -> Figure:
    """The published recipe's loop: float16 with a scaler, not compiled, batches of 64, InfoNCE against texts."""
    tower = _tower(setting).train()
    texts = torch.randn(PUBLISHED_BATCH, setting.dimension, device=setting.device)
    texts = torch.nn.functional.normalize(texts, dim=-1)  # its text transformer is left out: in its favour
    optimiser = torch.optim.AdamW(tower.parameters(), lr=1e-4)
    scaler = torch.amp.GradScaler(enabled=setting.on_gpu)

    def step(pixels: torch.Tensor) -> None:
        with _autocast(setting, torch.float16):
            vectors = tower(pixels)
        logits = 14.3 * vectors.float() @ texts[: len(pixels)].T
        right = torch.arange(len(pixels), device=setting.device)
        loss = torch.nn.functional.cross_entropy(logits, right) + torch.nn.functional.cross_entropy(logits.T, right)
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        optimiser.zero_grad()

    batch = PUBLISHED_BATCH if setting.on_gpu else setting.batches[0]
    return _figure(setting, f"the published loop, {setting.theirs}, batch {batch}", _rate(setting, step, batch), work)


def _encoding(setting: Setting, work: float, precision: Precision, *, compiled: bool = False) -> Figure:
    """What `encode` does in a precision; compiled, which it is not, to know what that would give."""
    tower = _tower(setting).eval()
    run: Callable[[torch.Tensor], torch.Tensor] = torch.compile(tower) if compiled and setting.on_gpu else tower

    def step(pixels: torch.Tensor) -> None:
        with torch.inference_mode(), computing_in(precision, setting.device):
            run(pixels)

    batch, rate = _largest(setting, step)
    how = f"{precision}{', compiled' if compiled and setting.on_gpu else ''}"
    return _figure(setting, f"encoding, {how}, batch {batch}", rate, work)


def _parity(setting: Setting) -> dict[str, float]:
    """How far vectors of bfloat16 are from those of float32: of one tower with random weights, on noise and shades."""
    tower = _tower(setting).eval()
    shades = torch.linspace(0, 255, PARITY, device=setting.device)[:, None, None]
    noise = torch.randn(PARITY, setting.size, setting.size, device=setting.device) * 40
    pixels = (shades + noise).clamp(0, 255).to(torch.uint8)
    parts = pixels.split(16)
    torch.set_float32_matmul_precision("highest")
    with torch.no_grad():
        exact = torch.cat([tower(part) for part in parts])
        with torch.autocast(setting.device, torch.bfloat16):
            halved = torch.cat([tower(part) for part in parts])
    centred = [vectors - exact.mean(dim=0) for vectors in (exact, halved)]
    return {
        "largest_difference": float((exact - halved).abs().max()),
        "lowest_cosine": float(torch.nn.functional.cosine_similarity(exact, halved).min()),
        "lowest_cosine_about_the_mean": float(torch.nn.functional.cosine_similarity(*centred).min()),
    }


def _tower(setting: Setting) -> ImageTower:
    return ImageTower(ImageArchitecture(setting.backbone, setting.dimension, 101.48761, 83.43944)).to(setting.device)


def _autocast(setting: Setting, kind: torch.dtype) -> Any:
    return torch.autocast(setting.device, kind) if setting.on_gpu else nullcontext()


def _operations(setting: Setting) -> float:
    """Floating-point operations of one image forward, as torch counts them."""
    tower = _tower(setting).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        tower(torch.zeros(1, setting.size, setting.size, device=setting.device))
    return float(counter.get_total_flops())


def _largest(setting: Setting, step: Callable[[torch.Tensor], None]) -> tuple[int, float]:
    """The largest batch that fits, and its images a second."""
    for batch in setting.batches:
        try:
            return batch, _rate(setting, step, batch)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    raise SystemExit(f"not even a batch of {setting.batches[-1]} fits on this GPU")


def _rate(setting: Setting, step: Callable[[torch.Tensor], None], batch: int) -> float:
    """Images a second, after steps that warm up; the pixels come from the host, as a loader gives them."""
    pixels = torch.randint(0, 256, (batch, setting.size, setting.size), dtype=torch.uint8)
    pixels = pixels.pin_memory() if setting.on_gpu else pixels
    warm, steps = (WARM, STEPS) if setting.on_gpu else (1, 3)
    started = 0.0
    for number in range(warm + steps):
        if number == warm:
            _wait(setting)
            started = time.perf_counter()
        step(pixels.to(setting.device, non_blocking=True))
    _wait(setting)
    return steps * batch / (time.perf_counter() - started)


def _wait(setting: Setting) -> None:
    if setting.on_gpu:
        torch.cuda.synchronize()


def _figure(setting: Setting, what: str, rate: float, work: float) -> Figure:
    peak = peak_of(torch.cuda.get_device_name(), bfloat16=True) if setting.on_gpu else None
    return Figure(what=what, images_per_second=rate, share_of_peak=rate * work / peak if peak else None)


def _print(setting: Setting, figures: list[Figure], parity: dict[str, float]) -> None:
    name = torch.cuda.get_device_name() if setting.on_gpu else "no GPU: a small model on the processor"
    told = {"device": name, "torch": torch.__version__, "figures": [asdict(one) for one in figures], "parity": parity}
    print(json.dumps(told))
    print(f"\n{name}, torch {torch.__version__}")
    for one in figures:
        share = "" if one.share_of_peak is None else f"  {one.share_of_peak:.0%} of peak"
        print(f"{one.images_per_second:>9,.0f} images/s{share}  {one.what}")
    print(f"training {figures[0].images_per_second / figures[1].images_per_second:.2f}x the published loop")
    print(f"encoding in bfloat16 {figures[2].images_per_second / figures[3].images_per_second:.2f}x float32")
    print("bfloat16 against float32: " + ", ".join(f"{name} {value:.6g}" for name, value in parity.items()))


if __name__ == "__main__":
    main()
