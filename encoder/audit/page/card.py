"""The model card on the page: what its makers state, and what nobody states."""

from __future__ import annotations

from encoder.audit.report.card import FIELDS, ModelCard

NO_CARD = (
    "No model card was given: what the model is meant for, what it is not for, what it was trained on and its known "
    "limits are not stated."
)


def card(found: ModelCard | None) -> dict[str, object]:
    """What the box shows."""
    if found is None:
        return {"stated": [], "missing": NO_CARD}
    missing = ", ".join(said.lower() for said in found.missing)
    return {
        "stated": [(said, found.stated[name]) for name, said in FIELDS.items() if name in found.stated],
        "missing": f"Not stated: {missing}." if missing else "",
    }
