"""Where the weights of before the first step come from, part by part; what stays new says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoder.model.checkpoint import Checkpoint, load_checkpoint
from encoder.training.config import TrainConfig
from encoder.training.parts import LAYERS
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.vectors.embedding import EmbedderInfo

CALLED = {"backbone": "image tower", "projection": "projection", "text": "text side", "scale": "scale and bias"}
"""The parts that weights are taken over by, and what a person calls them."""

_COVERED = {"image": ("backbone", "projection"), "backbone": ("backbone",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the weights of before the first step come from.

    Attributes:
        source: the checkpoint's encoder id, or the name of a pretrained backbone; None if all are random.
        revision: the commit of the hub that a pretrained backbone is; known once that is open.
        checkpoint: the checkpoint.
        taken: the parts whose weights are taken over (keys of `CALLED`).
        new: the parts that are random, each with the reason; an empty one where nothing else was to be expected.
    """

    source: str | None = None
    revision: str | None = None
    checkpoint: Checkpoint | None = None
    taken: tuple[str, ...] = ()
    new: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(CALLED, ""))

    def to_dict(self) -> dict[str, Any]:
        """The origin as plain data, for JSON."""
        return {"source": self.source, "taken": list(self.taken), "new": dict(self.new)}

    def told(self) -> str:
        """Both in one line: "image tower and projection from N1234; text side new: ..."."""
        taken = [f"{_listed(self.taken)} from {self.source}"] if self.taken else []
        reasons: dict[str, list[str]] = {}
        for part, reason in self.new.items():
            reasons.setdefault(reason, []).append(part)
        return "; ".join(
            [*taken, *(f"{_listed(parts)} new{f': {why}' if why else ''}" for why, parts in reasons.items())]
        )


def origin_of(config: TrainConfig, embedder: EmbedderInfo | None) -> Origin:
    """What a training takes over, and from where.

    Args:
        config: the training.
        embedder: of the vocabulary; None where the objective reads words.

    Raises:
        UsageError: a part is to be frozen, or learned beside, that is new and would stay random.
        ClearKbError: the checkpoint is broken.
    """
    origin = _of_backbone(config) if config.start is None else _of_checkpoint(config, Path(config.start), embedder)
    _check_held(config, origin)
    return origin


def _of_backbone(config: TrainConfig) -> Origin:
    """Of a pretrained image tower, or of nothing."""
    if not isinstance(config.backbone, str):
        return Origin()
    new = {part: "" for part in CALLED if part != "backbone"}
    return Origin(source=config.backbone, taken=("backbone",), new=new)


def _of_checkpoint(config: TrainConfig, folder: Path, embedder: EmbedderInfo | None) -> Origin:
    checkpoint = load_checkpoint(folder)
    reason = _why_new(config, checkpoint, embedder)
    new = {} if reason is None else {"text": reason, "scale": reason}
    if not new and config.objective == "report" and _loss(config.to_dict()) != _loss(checkpoint.facts.training):
        new["scale"] = f"the checkpoint's are of the {_loss(checkpoint.facts.training)} loss"
    if not checkpoint.facts.architecture["image"].get("projected", True):
        new["projection"] = "the checkpoint is a frozen backbone"
    taken = tuple(part for part in CALLED if part not in new)
    return Origin(source=checkpoint.encoder_id, checkpoint=checkpoint, taken=taken, new=new)


def _why_new(config: TrainConfig, checkpoint: Checkpoint, embedder: EmbedderInfo | None) -> str | None:
    """Why the text side of a checkpoint cannot be taken over; None if it can."""
    facts = checkpoint.facts
    kind = facts.architecture["text"]["kind"]
    wanted = "linear" if config.objective == "concepts" else "transformer"
    if kind != wanted:
        return f"the checkpoint's {_KINDS.get(kind, f'is {kind}')}"
    if embedder is not None and facts.embedder != embedder.embedder_id:
        return f"the checkpoint's reads embeddings of {facts.embedder}, not of {embedder.embedder_id}"
    return None


def _loss(training: Mapping[str, Any]) -> str:
    """The loss of a training against reports; the release's, which tells none, is InfoNCE."""
    return str(training.get("report_loss", "softmax"))


_KINDS = {"linear": "reads embeddings", "transformer": "was a transformer", "none": "image tower came without one"}


def _check_held(config: TrainConfig, origin: Origin) -> None:
    for name in config.freeze:
        parts = ("backbone",) if LAYERS.fullmatch(name) else _COVERED.get(name, (name,))
        for part in parts:
            if part in origin.new and part != "scale":
                raise UsageError(f"freeze '{name}': the {CALLED[part]} is new here, and would stay random")
    if config.lora is not None and "backbone" in origin.new:
        raise UsageError("lora: the image tower is new here, and would stay random; start with a pretrained one")


def _listed(parts: tuple[str, ...] | list[str]) -> str:
    names = [CALLED[part] for part in parts]
    if len(names) == 1 or "scale" in parts:  # which is called by two words itself
        return ", ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
