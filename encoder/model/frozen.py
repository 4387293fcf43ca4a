"""A frozen backbone as an encoder: a checkpoint with an image side alone, whose vectors are the backbone's features.

Its identity is that of all checkpoints, a hash of weights, architecture and preprocessing: the same on any machine,
whatever folder or hub it came from.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from encoder.model.architecture import Architecture, Levels, TextArchitecture
from encoder.model.backbones.opening import OpenedBackbone
from encoder.model.checkpoint import FACTS, WEIGHTS, Checkpoint, CheckpointFacts, read_facts, save_checkpoint
from encoder.model.checkpoint import encoder_id as id_of
from encoder.model.encoder import Encoder
from kb.errors import ClearKbError, UsageError
from kb.images.preprocessing import Preprocessing
from schemas.terms import FROZEN


def freeze(
    backbone: OpenedBackbone,
    preprocessing: Preprocessing,
    place: Path,
    *,
    mean: Levels | None = None,
    deviation: Levels | None = None,
    named: bool = False,
) -> Checkpoint:
    """Write a backbone as a checkpoint.

    Args:
        backbone: opened, and tried at the size of the pictures.
        preprocessing: how its pictures are made.
        place: the folder of the checkpoint if it is `named`, else of many of them, each called by its id.
        mean: grey level that is taken off, for all channels or each; default: the backbone's own.
        deviation: grey levels that become 1, likewise.
        named: see `place`.

    Raises:
        UsageError: the folder holds another encoder.
        ClearKbError: it cannot be written to.
    """
    encoder = Encoder(_architecture(backbone, mean, deviation))
    encoder.image.backbone.load_state_dict(backbone.network.module.state_dict())
    facts = CheckpointFacts(
        objective=FROZEN,
        architecture=encoder.architecture.to_dict(),
        preprocessing=preprocessing.to_dict(),
        training=_which(backbone),
    )
    around = place.parent if named else place
    try:
        around.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=around, prefix="new-") as aside:
            made = save_checkpoint(Path(aside), encoder.eval(), facts)
            target = place if named else place / made.encoder_id
            if (target / FACTS).is_file() and (there := id_of(read_facts(target))) != made.encoder_id:
                raise UsageError(f"{target} holds encoder {there} already: name another folder")
            target.mkdir(exist_ok=True)
            for name in (WEIGHTS, FACTS):
                (Path(aside) / name).replace(target / name)
                (target / name).chmod((target.stat().st_mode & 0o666) | 0o600)  # the folder aside was its owner's alone
    except OSError as error:
        raise ClearKbError(f"{around}: the backbone cannot be kept there: {error.strerror}") from error
    return Checkpoint(target, made.encoder, made.facts)


def _architecture(backbone: OpenedBackbone, mean: Levels | None, deviation: Levels | None) -> Architecture:
    return Architecture(backbone.image_architecture(mean=mean, deviation=deviation), TextArchitecture("none"))


def _which(backbone: OpenedBackbone) -> dict[str, Any]:
    return {
        "backbone": backbone.choice.called,
        "revision": backbone.revision,
        "network": backbone.network.kind,
        "resample_asked_for": backbone.pictures.resample,
    }
