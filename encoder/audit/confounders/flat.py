"""An audit for confounders as one flat table: a row a thing, as CSV has it."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.confounders.result import Confounder, ConfounderAudit


def flat_confounders(audits: Sequence[ConfounderAudit]) -> tuple[list[dict[str, object]], Sequence[str]]:
    """The rows of CSV, and their columns."""
    rows = [
        _flat(row) | {"n": found.n, "positives": found.positives, "split": found.split}
        for found in audits
        for row in found.found
    ]
    return rows, list(dict.fromkeys(name for row in rows for name in row))


def _flat(row: Confounder) -> dict[str, object]:
    """A row as one line of CSV."""
    fields: dict[str, object] = {
        "name": row.name,
        "kind": row.kind,
        "finding": row.finding,
        "concept_id": row.concept_id,
    }
    for name in ("leans", "effect", "goes_with"):
        estimate = getattr(row, name)
        fields |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        fields |= {f"{name}_q": estimate.q} if name != "effect" else {}
        fields |= {f"{name}_own": estimate.own, f"{name}_usual": estimate.usual} if name != "effect" else {}
    fields |= {"q": row.q, "weight": row.weight, "verdict": row.verdict, "known": row.known}
    fields |= _flat_harm(row) | _flat_across(row)
    if row.elsewhere is not None:
        there = {"leans": row.elsewhere.leans, "goes_with": row.elsewhere.goes_with}
        for name, estimate in there.items():
            fields |= {f"{name}_there": estimate.value, f"{name}_difference_q": estimate.q}
    if row.strata is not None:
        names = (
            "present",
            "absent",
            "auroc",
            "auroc_present",
            "auroc_absent",
            "auroc_against",
            "erased",
            "erased_against",
        )
        fields |= {name: getattr(row.strata, name) for name in names}
    return fields


def _flat_harm(row: Confounder) -> dict[str, object]:
    """What leaning on it does, as cells."""
    if row.harm is None:
        return {}
    fields: dict[str, object] = {"harm": row.harm.size, "harm_bad": row.harm.bad}
    for name in ("against", "false_alarms", "misses"):
        interval = getattr(row.harm, name)
        values = (None, None, None) if interval is None else interval
        fields |= dict(zip((f"harm_{name}", f"harm_{name}_low", f"harm_{name}_high"), values, strict=True))
    return fields


def _flat_across(row: Confounder) -> dict[str, object]:
    """Whether it goes with the label alike everywhere, as cells: "site: alike (p 0.41, up to 0.52 could hide)"."""
    told = [
        f"{one.by}: {one.told or 'cannot be told'} (p {one.p:.2g}, up to {one.hidden:.2f} could hide)"
        for one in row.across
    ]
    return {"across": "; ".join(told)}
