"""Rows that a figure offers as data: CSV or JSON, written as the command line writes them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from starlette.responses import Response

from kb.sql.writing import as_cell, as_json

KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
"""The endings of such files, and what they are."""


def offered(data: Any, rows: Sequence[Mapping[str, Any]], *, name: str, kind: str) -> Response:
    """A file to download.

    Args:
        data: what JSON holds.
        rows: what CSV holds.
        name: of the file, without its ending.
        kind: of `KINDS`.
    """
    text = json.dumps(as_json(data), ensure_ascii=False, indent=1) if kind == "json" else as_csv(rows)
    return Response(text, media_type=KINDS[kind], headers=attachment(f"{name}.{kind}"))


def attachment(name: str) -> dict[str, str]:
    """The header that has a browser save a file by a name."""
    plain = "".join(letter if (letter.isalnum() and letter.isascii()) or letter in "-_." else "-" for letter in name)
    return {"content-disposition": f'attachment; filename="{plain}"'}


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; a column that only some have is blank in the others."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([as_cell(row.get(name)) for name in columns] for row in rows)
    return file.getvalue()
