"""Where the project stands, and the data beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
"""Public data sets, where they are at hand: tests that want them are skipped elsewhere."""

ANNOTATED = ROOT / "tests" / "ingest" / "annotated"
"""Reports that were written and annotated for the project."""
