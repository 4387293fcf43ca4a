"""The image encoder: trained against the vocabulary; its predictions are read concept by concept.

import encoder, kb

base = kb.open("study.kb")
encoder.train(base, "encoder")
encoder.encode(base, "encoder")
encoder.predict_probe(base)
encoder.audit.confounders(base, "probe-encoder", "pneumothorax")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.lazy import lazy_names

if TYPE_CHECKING:
    from encoder import audit as audit
    from encoder.face import (
        encode,
        encode_backbone,
        evaluate,
        explain,
        predict_bottleneck,
        predict_probe,
        predict_zero_shot,
        search_images,
        train,
        validate,
    )

__all__ = [
    "encode",
    "encode_backbone",
    "evaluate",
    "explain",
    "predict_bottleneck",
    "predict_probe",
    "predict_zero_shot",
    "search_images",
    "train",
    "validate",
]

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "encoder.face"), rooms=("audit",))
