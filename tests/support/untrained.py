"""An encoder with random weights, and a knowledge base of a few pictures: all that stored vectors need."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch

from encoder.model.architecture import Architecture, ImageArchitecture, TextArchitecture
from encoder.model.checkpoint import Checkpoint, CheckpointFacts, save_checkpoint
from encoder.model.encoder import Encoder
from ingest.images.images import ingest_images
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import SIZE, VIT, shape_pixels


def untrained(folder: Path, *, objective: str = "concepts", seed: int = 0, **facts: Any) -> Checkpoint:
    """A checkpoint of two layers whose weights are random."""
    torch.manual_seed(seed)
    image = ImageArchitecture(backbone=VIT, dimension=16, mean=100.0, deviation=80.0)
    architecture = Architecture(image, TextArchitecture("linear", embedding=384))
    told = CheckpointFacts(
        objective=objective,
        architecture=architecture.to_dict(),
        preprocessing=Preprocessing(SIZE).to_dict(),
        **facts,
    )
    return save_checkpoint(folder, Encoder(architecture, None), told)


def pictures(folder: Path, count: int = 12) -> KnowledgeBase:
    """A knowledge base of pictures alone, each of a patient of its own."""
    from PIL import Image

    draw = random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        seen = {"pleural effusion": number % 2 == 0, "nodule": number % 3 == 0}
        Image.fromarray(shape_pixels(seen, "left", draw)).save(folder / f"im{number:04d}.png")
    kb = KnowledgeBase.create(folder / "pictures.kb", by="tester")
    ingest_images(kb, [folder], preprocessing=Preprocessing(SIZE), workers=1)
    return kb
