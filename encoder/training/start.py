"""What a training has from the checkpoint that it starts with, as values of its configuration."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from encoder.model.checkpoint import CheckpointFacts, read_facts
from encoder.training.config_parts import TextTransformer
from kb.images.preprocessing import Preprocessing


def values_of_start(folder: Path, objective: str) -> dict[str, Any]:
    """What the checkpoint in a folder decides: the image architecture, how its pictures are made, and the text
    transformer where the objective has one too.

    Raises:
        UsageError: there is no checkpoint.
        ClearKbError: it is broken, or of another format.
    """
    facts = read_facts(folder)
    image = dict(facts.architecture["image"])
    if not image.pop("projected", True):
        del image["dimension"]  # of a frozen backbone, whose vectors are its features: the projection is yet to come
    image.pop("width", None)
    pictures = asdict(Preprocessing(**facts.preprocessing))  # with what goes without saying: it is held too
    values = {"pooling": "pooler", **image, **pictures, "revision": None, "architecture": None}
    text = _text(facts) if objective == "report" else None
    return values if text is None else {**values, "text": text}


def _text(facts: CheckpointFacts) -> TextTransformer | None:
    told = facts.architecture["text"]
    made = told.get("transformer")
    if not made:
        return None
    return TextTransformer(
        width=made["hidden_size"],
        layers=made["num_hidden_layers"],
        heads=made["num_attention_heads"],
        context=told["context"],
        tokens=made["vocab_size"],
    )
