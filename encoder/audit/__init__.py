"""Why a model fails: SQL over its predictions, confounders, segments, slices, attribution, and a page of all of it.

import encoder, kb

base = kb.open("study.kb")
encoder.audit.confounders(base, "theirs", "Pneumothorax").found
with encoder.audit.session(base) as session:
    session.query("SELECT run, label, auroc FROM metrics").arrow()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.lazy import lazy_names

if TYPE_CHECKING:
    from encoder.audit.attribution import attribute
    from encoder.audit.face import confounders, directions, drift, report, segments, session, slices
    from encoder.audit.runs_compared import side_by_side

__all__ = ["attribute", "confounders", "directions", "drift", "report", "segments", "session", "side_by_side", "slices"]

_APART = {"attribute": "encoder.audit.attribution", "side_by_side": "encoder.audit.runs_compared"}

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "encoder.audit.face") | _APART)
