"""A validation as a paper prints it (Markdown, LaTeX): a line a site and label, a column a model; and as flat rows."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from encoder.validation.result import Row, Validation
from kb.display import plain

_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
}


def flat_rows(validation: Validation) -> list[dict[str, Any]]:
    """All rows, of models and of readers: `row` says which it is, and columns that it has not stay blank."""
    kinds = {"model": validation.rows.rows(), "reader": validation.readers.rows()}
    return [{"row": kind, **row} for kind, rows in kinds.items() for row in rows]


def csv_text(validation: Validation) -> str:
    """The flat rows as CSV."""
    rows = flat_rows(validation)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: plain(row.get(name)) for name in columns} for row in rows)
    return text.getvalue()


def json_text(validation: Validation) -> str:
    """Everything as JSON."""
    return json.dumps(validation.to_dict(), ensure_ascii=False, indent=2) + "\n"


def markdown(validation: Validation) -> str:
    """The table, the readers and the notes as Markdown."""
    parts = [_markdown(_columns(validation), _lines(validation))]
    readers = _reader_lines(validation)
    if readers:
        parts.append(_markdown(list(readers[0]), readers))
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in validation.notes)]) + "\n"


def latex(validation: Validation) -> str:
    """The table, and one of the readers, as LaTeX (package booktabs); the notes stand before them as comments."""
    parts = [f"% {note}" for note in validation.notes]
    parts.append(_latex(_columns(validation), _lines(validation)))
    readers = _reader_lines(validation)
    if readers:
        parts.append(_latex(list(readers[0]), readers))
    return "\n".join(parts) + "\n"


def _columns(validation: Validation) -> list[str]:
    columns = ["Site", "Split", "Label", "n", "Positives"]
    several = {row.model for row in validation.rows if row.sd is not None}
    for model in validation.models:
        columns += [model, *([f"sd ({model})"] if model in several else [])]
        if validation.baseline not in (None, model):
            columns += [f"{model} - {validation.baseline}", f"p ({model})"]
    return columns


def _lines(validation: Validation) -> list[dict[str, str]]:
    """A line for each site and label, and each number of rows where models differ in it."""
    lines: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in validation.rows:
        line = lines.setdefault(
            (row.split, row.site, row.label, row.n, row.positives),
            {
                "Site": row.site,
                "Split": row.split,
                "Label": row.name,
                "n": f"{row.n:,}",
                "Positives": f"{row.positives:,}",
            },
        )
        line[row.model] = row.figure
        if row.sd is not None:
            line[f"sd ({row.model})"] = f"{row.sd:.3f}"
        if row.difference is not None:
            line[f"{row.model} - {validation.baseline}"] = _difference(row)
            line[f"p ({row.model})"] = row.told_p
    return list(lines.values())


def _difference(row: Row) -> str:
    between = "" if row.difference_low is None else f" ({row.difference_low:+.3f} to {row.difference_high:+.3f})"
    return f"{row.difference:+.3f}{between}"


def _reader_lines(validation: Validation) -> list[dict[str, str]]:
    return [
        {
            "Site": row.site,
            "Split": row.split,
            "Label": row.label,
            "Reader": row.reader,
            "n": f"{row.n:,}",
            "Positives": f"{row.positives:,}",
            "Specificity": f"{row.specificity:.3f}",
            "Sensitivity": f"{row.sensitivity:.3f}",
            "Model": row.model,
            "its sensitivity there": f"{row.model_sensitivity:.3f}",
        }
        for row in validation.readers
    ]


def _markdown(columns: list[str], lines: list[dict[str, str]]) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = ["---" if name in ("Site", "Split", "Label", "Reader", "Model") else "---:" for name in columns]
    return "\n".join([line(columns), line(rule), *(line([row.get(name, "") for name in columns]) for row in lines)])


def _latex(columns: list[str], lines: list[Mapping[str, str]] | list[dict[str, str]]) -> str:
    def line(cells: list[str]) -> str:
        return " & ".join(map(_escaped, cells)) + r" \\"

    left = "".join("l" if name in ("Site", "Split", "Label", "Reader", "Model") else "r" for name in columns)
    body = [line([row.get(name, "") for name in columns]) for row in lines]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{left}}}",
            r"\toprule",
            line(columns),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _escaped(text: str) -> str:
    return re.sub(r"[&%$#_{}\\~^<>]", lambda match: _LATEX[match[0]], text)
