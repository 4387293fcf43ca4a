"""What comes into a knowledge base: reports, images, labels, predictions, vectors.

import ingest, kb

base = kb.create("openi.kb")
ingest.reports(base, ["reports.csv"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.lazy import lazy_names

if TYPE_CHECKING:
    from ingest.face import dataset, datasets, images, labels, predictions, preview, reports, vectors

__all__ = ["dataset", "datasets", "images", "labels", "predictions", "preview", "reports", "vectors"]

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "ingest.face"))
