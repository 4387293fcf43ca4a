"""The one threshold that all groups share: the one that is asked for, else the one of the view `thresholds`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encoder.audit.rows import AuditRows
from encoder.audit.segments.result import Threshold
from kb.errors import UsageError
from kb.sql.views import Views

_CHOSEN = """
SELECT threshold, chosen_on, lowest, highest, warning FROM thresholds
WHERE run = $run AND label = $label AND (source = $source OR source IS NULL)
ORDER BY source IS NULL LIMIT 1
"""

_ORIGINS = {"validation": "highest Youden index on the validation split", "given": "given with the run"}


def shared_threshold(session: Views, rows: AuditRows, asked: float | None = None) -> Threshold:
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
    found = chosen_threshold(session, rows.run, rows.label, rows.source)
    if found is None or found["threshold"] is None:
        warning = (found or {}).get("warning") or "only external rows, or one truth, are known"
        raise UsageError(
            f"nothing chose a threshold for {rows.label} by {rows.source}: {warning}", parameter="threshold"
        )
    return Threshold(value=float(found["threshold"]), origin=_origin(found))


def chosen_threshold(session: Views, run: str, label: str, source: str | None) -> Mapping[str, Any] | None:
    """What the view `thresholds` says of a run and label, by a source of labels or as given with the run.

    Args:
        session: over the knowledge base.
        run: its name.
        label: as the run spells it.
        source: of the labels; None where none speaks.
    """
    return next(iter(session.run(_CHOSEN, {"run": run, "label": label, "source": source})), None)


def _origin(chosen: Mapping[str, Any]) -> str:
    """What chose a threshold, and why not to trust it, if there is a reason."""
    told = _ORIGINS.get(chosen["chosen_on"], chosen["chosen_on"])
    if chosen["chosen_on"] == "cross-fitted":
        told = f"the middle of five that parts of these rows chose ({chosen['lowest']:.4g} to {chosen['highest']:.4g})"
    return f"{told}; {chosen['warning']}" if chosen["warning"] else str(told)
