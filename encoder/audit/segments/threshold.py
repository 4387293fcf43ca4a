"""The one threshold that all groups share: the one that is asked for, else the one of the view `thresholds`."""

from __future__ import annotations

from encoder.audit.rows import AuditRows
from encoder.audit.segments.result import Threshold
from kb.errors import UsageError
from kb.sql.session import AuditSession

_CHOSEN = """
SELECT threshold, chosen_on FROM thresholds
WHERE run = $run AND label_key(label) = label_key($label) AND source = $source
"""

ON_VALIDATION = "highest Youden index on the validation split"

_ORIGINS = {
    "validation": ON_VALIDATION,
    "all": "highest Youden index on the very rows that it is judged on, for no validation split has enough",
}


def shared_threshold(session: AuditSession, rows: AuditRows, asked: float | None = None) -> Threshold:
    """Where the scores of a run are cut for its label.

    Args:
        session: over the knowledge base.
        rows: the predictions.
        asked: the threshold to take instead.

    Raises:
        UsageError: nothing chose a threshold, or the one asked for calls all rows alike.
    """
    if asked is not None:
        if not 0 < int((rows.score >= asked).sum()) < len(rows):
            low, high = float(rows.score.min()), float(rows.score.max())
            raise UsageError(
                f"threshold {asked:g} calls all rows alike: the scores lie between {low:.4g} and {high:.4g}",
                parameter="threshold",
            )
        return Threshold(value=asked, origin="as asked for")
    found = session.run(_CHOSEN, {"run": rows.run, "label": rows.label, "source": rows.source}).rows()
    if not found:
        raise UsageError(
            f"nothing chose a threshold for {rows.label}: of {rows.source} only external rows, or one truth, are known",
            parameter="threshold",
        )
    chosen = str(found[0]["chosen_on"])
    return Threshold(value=float(found[0]["threshold"]), origin=_ORIGINS.get(chosen, chosen))
