"""What comes into a knowledge base: reports, images, labels, predictions.

import ingest, kb

base = kb.create("openi.kb")
ingest.reports(base, ["reports.csv"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.lazy import lazy_names

if TYPE_CHECKING:
    from ingest.face import dataset, datasets, images, labels, predictions, preview, reports

__all__ = ["dataset", "datasets", "images", "labels", "predictions", "preview", "reports"]

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "ingest.face"))
