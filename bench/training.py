"""Reading pixels and training on them: the loader beside decoding, and one training step beside the published loop."""

from __future__ import annotations

import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from bench.measure import Row, ratio_row, rounds
from encoder.vectors.pixels import PixelReader
from ingest.demo import write_phantom_study
from ingest.images.images import ingest_images
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase

COUNT, SIZE, BATCH, REPEATS = 800, 448, 64, 3


def run() -> list[Row]:
    """Measure the loader, and a step of the published architecture where there is a GPU (a small one elsewhere)."""
    return [_loader(), _step()]


def _loader() -> Row:
    """Pixels of 448 from the cache, read ahead in the order of a shuffled epoch, against decoding the files."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        study = write_phantom_study(Path(folder) / "study", COUNT, size=SIZE)
        kb = KnowledgeBase.create(Path(folder) / "k.kb")
        started = time.perf_counter()
        ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SIZE))
        decoding = time.perf_counter() - started
        contents = kb.dataset("images").to_table(columns=["content_hash"])["content_hash"].to_pylist()
        reader = PixelReader(kb, Preprocessing(SIZE))

        def read() -> float:
            order = np.random.default_rng(0).permutation(contents).tolist()
            batches = [order[start : start + BATCH] for start in range(0, COUNT, BATCH)]
            begun = time.perf_counter()
            for _ in reader.batches(batches):
                pass
            return time.perf_counter() - begun

        taken = rounds({"decoding": lambda: decoding, "reading": read}, REPEATS)
    speed = COUNT / sorted(taken["reading"])[REPEATS // 2]
    return ratio_row(
        f"loader of {SIZE} px, shuffled",
        taken["decoding"],
        taken["reading"],
        f"decoding and resizing them once, {COUNT / decoding:,.0f} images/s",
        better="higher",
        told=f"{speed:,.0f} images/s, {speed * SIZE**2 / 1e6:,.0f} MB/s",
    )


def _step() -> Row:
    """Forward and backward of an image tower: ours (bfloat16, SDPA, compiled) against fp16 autocast, batch 64."""
    import torch

    gpu = torch.cuda.is_available()
    size, batch = (448, 128) if gpu else (96, 64)
    device = "cuda" if gpu else "cpu"
    tower = _tower(gpu).to(device).train()
    ours = torch.compile(tower) if gpu else tower
    scaler = torch.amp.GradScaler(enabled=gpu)

    def published() -> float:
        return _timed(tower, 64, size, device, torch.float16 if gpu else None, scaler)

    def improved() -> float:
        return _timed(ours, batch, size, device, torch.bfloat16 if gpu else None, None)

    taken = rounds({"published": published, "ours": improved}, REPEATS)
    speed = 1 / sorted(taken["ours"])[REPEATS // 2]
    name = "DINOv2 ViT-B/14, 448 px" if gpu else "the small encoder of cpu-demo, 96 px"
    where = torch.cuda.get_device_name() if gpu else "processor: both ways are the same here"
    return ratio_row(
        f"image tower, a training step, {name}",
        taken["published"],
        taken["ours"],
        f"fp16 loop; {where}",
        better="higher",
        told=f"{speed:,.0f} images/s",
    )


def _tower(gpu: bool) -> object:
    from encoder.model.architecture import ImageArchitecture
    from encoder.model.image_tower import ImageTower
    from encoder.training.config import read_config

    config = read_config("cpu-demo").backbone
    backbone = {"model_type": "dinov2", "image_size": 448, "patch_size": 14} if gpu else config
    assert not isinstance(backbone, str)
    return ImageTower(ImageArchitecture(backbone, 768 if gpu else 64, 101.48761, 83.43944))


def _timed(tower: object, batch: int, size: int, device: str, kind: object, scaler: object) -> float:
    """Seconds an image of forward and backward, after a warm-up."""
    import torch

    pixels = torch.randint(0, 256, (batch, size, size), device=device, dtype=torch.uint8)
    steps, warm = (12, 4) if device == "cuda" else (4, 1)
    begun = 0.0
    for number in range(steps + warm):
        if number == warm:
            if device == "cuda":
                torch.cuda.synchronize()
            begun = time.perf_counter()
        with torch.autocast(device, kind) if kind is not None else nullcontext():  # type: ignore[arg-type]
            loss = tower(pixels).sum()  # type: ignore[operator]
        (loss if scaler is None else scaler.scale(loss)).backward()  # type: ignore[attr-defined]
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - begun) / steps / batch
