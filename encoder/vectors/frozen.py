"""`encode --backbone`: the vectors of a pretrained backbone that nobody trained here, as an encoder of its own."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from encoder.model.architecture import Levels
from encoder.model.backbones.choice import BackboneChoice
from encoder.model.checkpoint import Checkpoint, described
from encoder.vectors.encoding import EncodeResult, check_pixels, encode
from encoder.vectors.precision import Asked
from kb.engines.work import Engine
from kb.images.preprocessing import RESAMPLES, Fit, Preprocessing, Resample
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher


@dataclass(frozen=True, kw_only=True)
class FrozenEncoding:
    """What an encoding by a frozen backbone did: the encoder that it is kept as, and the encoding."""

    checkpoint: Checkpoint
    encoding: EncodeResult

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        told = described(self.checkpoint.facts)
        width = self.checkpoint.facts.architecture["image"]["dimension"]
        return {**self.encoding.to_dict(), "checkpoint": str(self.checkpoint.folder), **told, "dimension": width}


def encode_backbone(
    kb: KnowledgeBase,
    choice: BackboneChoice,
    *,
    fit: Fit = "pad",
    resample: Resample | None = None,
    mean: Levels | None = None,
    deviation: Levels | None = None,
    out: Path | None = None,
    where: str | None = None,
    batch_size: int = 64,
    device: str | None = None,
    precision: Asked = "auto",
    again: bool = False,
    engine: Engine | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> FrozenEncoding:
    """Encode images by a pretrained backbone as it is; it is tried before anything of the study is read.

    Args:
        kb: where the images are and the vectors go.
        choice: which backbone, how it is read, and at what size.
        fit: what became of oblong pictures, as ingested.
        resample: the filter that they were scaled with, as ingested; default: the backbone's own, where there is it.
        mean: grey level that is taken off, for all channels or each; default: the backbone's own, else MIMIC-CXR's.
        deviation: grey levels that become 1, likewise.
        out: the folder of its checkpoint; default: one in the user's cache, called by its id.
        where: SQL over the columns of `images` that chooses some of them.
        batch_size: images a forward pass.
        device: default: the best there is.
        precision: of its vectors; auto: as those that are here, else float32.
        again: encode all images, in place of all vectors of this encoder.
        engine: where; None is this process.
        by: who.
        why: the reason.
        dry_run: count, and write nothing, no checkpoint either.
        watcher: hears how it goes.

    Raises:
        UsageError: the backbone does not take such pictures, no image fits, or pixels are missing.
        ClearKbError: the backbone is not to be had.
    """
    from encoder.model.backbones.opening import open_backbone
    from encoder.model.frozen import freeze

    backbone = open_backbone(choice)
    own: Resample = next((one for one in RESAMPLES if one == backbone.pictures.resample), "bicubic")
    preprocessing = Preprocessing(backbone.size, fit, resample or own)
    check_pixels(kb, preprocessing, where)
    with ExitStack() as at_the_end:
        place = out or user_cache_path("clear-kb") / "backbones"
        if dry_run:
            place = Path(at_the_end.enter_context(tempfile.TemporaryDirectory(prefix="clear-kb-")))
        named = out is not None and not dry_run
        checkpoint = freeze(backbone, preprocessing, place, mean=mean, deviation=deviation, named=named)
        result = encode(
            kb,
            checkpoint,
            where=where,
            batch_size=batch_size,
            device=device,
            precision=precision,
            again=again,
            engine=engine,
            by=by,
            why=why,
            dry_run=dry_run,
            watcher=watcher,
        )
    return FrozenEncoding(checkpoint=checkpoint, encoding=result)
