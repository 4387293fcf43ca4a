"""bench/RESULTS.md: a section for each bench, whose table a run of that bench writes anew; the prose stays."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from bench.measure import Row
from kb.cores import core_count

RESULTS = Path(__file__).with_name("RESULTS.md")
COLUMNS = "| claim | ratio | spread | against | machine | date |"
_TABLE = re.compile(rf"^{re.escape(COLUMNS)}\n(?:\|.*\n?)*", re.M)


def write_results(
    measured: Mapping[str, Sequence[Row]], path: Path = RESULTS, *, on: str | None = None, day: date | None = None
) -> None:
    """Put what was measured into the sections of its benches; other sections stay as they are.

    Args:
        measured: the rows of each bench that ran.
        path: the page.
        on: the machine; default: this one.
        day: default: today.
    """
    page = path.read_text(encoding="utf-8") if path.exists() else "# Results\n"
    for name, rows in measured.items():
        page = _with_table(page, name, _table(rows, on or machine(), day or datetime.now(UTC).date()))
    path.write_text(page, encoding="utf-8")


def machine() -> str:
    """This machine in words: its processors, and a GPU if there is one."""
    import torch

    cores = core_count()
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{cores} CPU cores, {platform.machine()}{gpu}"


def _with_table(page: str, name: str, table: str) -> str:
    """The page with this table in the section of a bench, in place of the one it had."""
    section = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    if section is None:
        return f"{page.rstrip()}\n\n## {name}\n\n{table}"
    body = section.group(1)
    new = _TABLE.sub(lambda _: table, body, count=1) if _TABLE.search(body) else f"\n{table}{body}"
    return page[: section.start(1)] + new + page[section.end(1) :]


def _table(rows: Sequence[Row], on: str, day: date) -> str:
    lines = [COLUMNS, "|" + "---|" * 6]
    for row in rows:
        cells = (row.what, row.value, row.spread, row.against, on, day.isoformat())
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
