"""Checkpoints, files of weights, answers of a language model, and pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.fuzzing import seeds
from tests.support.fuzzing.doors import NESTED, NUMBER, REJECTED, Door, pickled, rejecting
from tests.support.fuzzing.mutations import TOKENS, as_json


def checkpoint_doors(folder: Path) -> Iterator[Door]:
    """Checkpoints whose description was edited, and files of weights."""
    import io
    import shutil

    import torch

    from encoder.model.checkpoint import load_checkpoint
    from encoder.model.state_dict import read_state_dict, read_weights
    from encoder.training.start import values_of_start
    from tests.support.untrained import untrained

    sound = untrained(folder / "sound").folder

    def load(path: Path) -> None:
        place = folder / "edited"
        shutil.copytree(sound, place, dirs_exist_ok=True)
        shutil.copyfile(path, place / "encoder.json")
        checkpoint = load_checkpoint(place)
        _ = checkpoint.preprocessing, checkpoint.encoder_id, checkpoint.text_side
        values_of_start(place, "report")

    told = json.loads((sound / "encoder.json").read_text())

    def edited(*way: str, value: Any) -> bytes:
        changed = json.loads(json.dumps(told))
        at = changed
        for key in way[:-1]:
            at = at[key]
        at[way[-1]] = value
        return as_json(changed)

    backbone = ("architecture", "image", "backbone")
    crafted = {
        "size.json": edited("preprocessing", "size", value=None),
        "backbone.json": edited(*backbone, value="x"),
        "channels.json": edited(*backbone, "num_channels", value=10**9),
        "hidden.json": edited(*backbone, "hidden_size", value=10**6),
        "layers.json": edited(*backbone, "num_hidden_layers", value=10**6),
        "image.json": edited(*backbone, "image_size", value=10**6),
        "type.json": edited(*backbone, "model_type", value="no such"),
        "dimension.json": edited("architecture", "image", "dimension", value=10**9),
        "embedding.json": edited("architecture", "text", "embedding", value=10**9),
        "deep.json": NESTED,
        "digits.json": b'{"format": ' + NUMBER + b"}",
    }
    yield Door("checkpoint", {"e.json": (sound / "encoder.json").read_bytes()}, load, crafted)
    out = io.BytesIO()
    torch.save({"state_dict": {"a.weight": torch.randn(3, 4), "a.bias": torch.randn(3)}}, out)

    def weights(path: Path) -> None:
        read_weights(path)
        read_state_dict(path)

    from safetensors.torch import save

    files = {"w.pt": out.getvalue(), "w.safetensors": save({"a": torch.randn(3, 4)})}
    yield Door(
        "weights",
        files,
        weights,
        {"ran.pt": pickled(), "text.pt": b"hello", **{f"t{n}.pt": token for n, token in enumerate(TOKENS[:6])}},
    )


def answer_door() -> Door:
    """Answers of a language model."""
    from ingest.extractors.llm.answer import BadAnswer, read_answer, read_answers

    said = {
        "quote": ["small left effusion"],
        "section": "findings",
        "observation": "left effusion",
        "assertion": "present",
        "certainty": "definite",
        "temporality": "current",
    }

    def take(path: Path) -> str | None:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        try:
            read_answers(text, "stop") if "reports" in text else read_answer(text, "stop")
        except BadAnswer:
            return REJECTED
        return None

    answer = json.dumps({"observations": [said]}).encode()
    several = json.dumps({"reports": [{"report": "1", "observations": [said]}]}).encode()
    return Door(
        "answer",
        {"a.json": answer, "b.json": several},
        take,
        {"deep.json": NESTED, "digits.json": NUMBER, "thought.json": b"<think>" * 9_999},
    )


def picture_door() -> Door:
    """Pictures, as a worker decodes them."""
    from ingest.images.decoding import Decoder
    from kb.images.preprocessing import Preprocessing

    decoder = Decoder(Preprocessing(64), frozenset())
    return Door("picture", seeds.PICTURES, lambda path: rejecting(bool(decoder.decode(path).reason)), bombs())


def bombs() -> dict[str, bytes]:
    """Small files of large pictures."""
    import struct
    import zlib

    def png(side: int, depth: int) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        packing = zlib.compressobj(9)
        line = b"\0" + (bytes(range(256)) * (side * depth // 2048 + 1))[: side * depth // 8]
        data = b"".join(packing.compress(line) for _ in range(side)) + packing.flush()
        head = struct.pack(">IIBBBBB", side, side, depth, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

    import numpy as np

    from tests.support.radiographs import deflated, dicom

    return {
        "9000.png": png(9_000, 16),
        "13000.png": png(13_000, 16),
        "19000.png": png(19_000, 1),
        "8000.dcm": deflated(dicom(np.tile(np.arange(8_000, dtype=np.uint16), (8_000, 1)))),
    }
