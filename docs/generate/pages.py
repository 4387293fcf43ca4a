"""All pages of the reference by their path under docs/reference."""

from __future__ import annotations

from pathlib import Path

from docs.generate.command_pages import command_pages
from docs.generate.python_pages import python_pages
from docs.generate.sql_page import sql_page
from docs.generate.table_page import table_page

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
INDEX = """# Reference

Generated from the code by `python -m docs.generate`; a test fails if it is not up to date.

- [Commands](commands/index.md): every command and option of `clear-kb`.
- Python: [`kb`](python/kb.md), [`ingest`](python/ingest.md), [`encoder`](python/encoder.md),
  [`encoder.audit`](python/audit.md), and [what they return](python/results.md).
- [Tables](tables.md): what a knowledge base stores.
- [SQL of the audit](sql.md): views, macros and named queries.
"""


def pages() -> dict[str, str]:
    """Every page as it should be now."""
    made = {"index.md": INDEX, "tables.md": table_page(), "sql.md": sql_page(), **command_pages(), **python_pages()}
    return {name: "\n".join(line.rstrip() for line in text.splitlines()) + "\n" for name, text in made.items()}
