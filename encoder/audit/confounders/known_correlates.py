"""What is known to go with a disease without being it: its signs, complications, treatments and causes.

`known_correlates.tsv` is plain data, for a radiologist; a file of the same columns adds lines to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import get_args

from encoder.audit.confounders.result import Known
from kb.errors import UsageError
from kb.language.label_names import plain_label
from kb.language.lexicon import load_lexicon
from kb.language.wider_terms import wider_findings
from kb.reading.regular_file import read_text
from kb.sql.messages import near_names

COLUMNS = ["label", "kind", "findings"]
KINDS = tuple(kind for kind in get_args(Known) if kind)
NONE = "none"
"""The kind that takes a line of the bundled table away."""


@dataclass(frozen=True, slots=True)
class KnownCorrelates:
    """A table of known correlates.

    Attributes:
        kinds: of each label, and finding that stands in its lines, what it is.
    """

    kinds: Mapping[tuple[str, str], str]

    def of(self, label: str) -> dict[str, Known]:
        """The findings that are known to go with a label, with all that stands under them, and what each is."""
        name, below = plain_label(label), wider_findings().below
        lines = [(finding, kind) for (of, finding), kind in self.kinds.items() if of == name]
        # What a line names itself counts before what only stands under one.
        under: dict[str, str] = {narrow: kind for finding, kind in lines for narrow in below(finding)}
        found = {**under, **dict(lines)}
        return {finding: kind for finding, kind in found.items() if kind != NONE}  # type: ignore[misc]  # checked when read

    def beside(self, own: KnownCorrelates) -> KnownCorrelates:
        """This table and a user's own, whose lines count before these."""
        return KnownCorrelates({**self.kinds, **own.kinds})


@cache
def bundled_correlates() -> KnownCorrelates:
    """The table that comes with the program."""
    text = (files("encoder.audit.confounders") / "known_correlates.tsv").read_text(encoding="utf-8")
    return KnownCorrelates(_lines(text, "known_correlates.tsv"))


def read_correlates(path: str | Path | None) -> KnownCorrelates:
    """The bundled table, and a user's own beside it where there is one.

    Args:
        path: a file of tab-separated values with the columns label, kind, findings; None for none.

    Raises:
        UsageError: there is no such file, or a line of it is wrong; the message says which.
    """
    if path is None:
        return bundled_correlates()
    path = Path(path)
    return bundled_correlates().beside(KnownCorrelates(_lines(read_text(path), str(path))))


def _lines(text: str, where: str) -> dict[tuple[str, str], str]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if not lines or [name.strip().lower() for name in lines[0][1].split("\t")] != COLUMNS:
        raise UsageError(f"{where}: a header of {', '.join(COLUMNS)}, with tabs between, was expected")
    found: dict[tuple[str, str], str] = {}
    for number, line in lines[1:]:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(COLUMNS) or not cells[0]:
            raise UsageError(f"{where}, line {number}: {', '.join(COLUMNS)} were expected, with tabs between")
        label, kind, findings = cells
        if kind not in (*KINDS, NONE):
            raise UsageError(f"{where}, line {number}: kind '{kind}': one of {', '.join((*KINDS, NONE))} was expected")
        for finding in _findings(findings, f"{where}, line {number}"):
            found[plain_label(label), finding] = kind
    return found


def _findings(cell: str, where: str) -> Iterable[str]:
    names = [part.strip() for part in cell.split("|") if part.strip()]
    known = wider_findings().direct.keys()
    for name in names:
        finding = load_lexicon().canonical(name.lower()) or name.lower()
        if finding not in known:
            near = near_names(finding, known)
            raise UsageError(f"{where}: there is no finding '{name}'{f': did you mean {near}?' if near else ''}")
        yield finding
