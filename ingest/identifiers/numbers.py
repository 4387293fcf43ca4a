"""Numbers that lead to a person: telephones, record numbers, postcodes, rooms and beds, addresses in the net."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.identifiers.windows import windows
from kb.language.grammar.tokens import Span

_UNIT = r"(?!\s*-?\s*(?:mm|cm|ml|cc|fr|french|ribs?|%|degrees?)\b)"
_ADDRESSES = (
    r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+",
    r"[\w.+-]+ (?:at|\(at\)|\[at\]) [\w-]+ (?:dot|\(dot\)) (?:com|org|net|edu|gov|uk|int)\b",
    r"\b(?:https?://|www\.)\S+",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
)
_LINE = (
    r"(?:page[rd]?|beeper|bleep|blp|phone|telephone|tel|fax|cell|mobile|call\s?back(?:\s+number)?|extension|ext"
    r"|voicemail)"
)
_TELEPHONES = (
    r"(?<![\w.])(?:\+|00)\d{1,3}[\s.()-]*(?:\d[\s.()-]*){7,12}\d\b",
    r"(?<![\w.])\(?\d{3}\)?[\s.-]{0,2}\d{3}[\s.-]{1,2}\d{4}\b(?:,?\s*(?:x|ext\.?)\s?\d{1,6})?",
    r"\b\d{3}-\d{4}\b",
    r"(?<![\w.])(?<!\bof )(?<!\bto )\d{3} \d{4}\b(?![.,]\d)" + _UNIT,
    r"\b0\d{2,4}[\s-]\d{3,4}[\s-]?\d{3,4}\b",
    rf"\b{_LINE}\b\.?\s*(?:number|no\.?|num|is|at|id|#)?[\s:#.-]*(?P<line>\(?\d[\d\s().-]{{1,14}}\d)\b" + _UNIT,
    r"(?<![\w.])x\s?(?P<extension>\d{4,6}|\d-\d{4})\b",
    r"#\s?(?P<hash>\d{4,})\b",
)
_LABEL = (
    r"(?:m\.?r\.?n|mr\s?\#|med(?:ical)?\.?\s+rec(?:ord)?s?|accession|acc|acct|account|hospital|hosp|nhs|chi|ssn"
    r"|social\s+security|patient|pt|case|exam|study|order|encounter|visit|unit|episode|requisition|specimen|serial"
    r"|policy|member|insurance|licen[cs]e|passport|d\.?o\.?b|date\s+of\s+birth|born|uhid|nric|curp|dni|rfc)"
)
_NUMBER_OF = r"(?:\s*(?:number|no\.?|num\.?|nr\.?|id|identifier|\#|is))*"
_RECORDS = (
    rf"\b{_LABEL}{_NUMBER_OF}\s*[:#=]\s*(?P<record>[A-Z]{{0,5}}[-\s]?\d[\w/-]*)",
    rf"\b{_LABEL}\b\s+(?:number|no\.?|num\.?|nr\.?|id|\#)\s*(?:is\s+)?(?P<numbered>[A-Z]{{0,5}}-?\d[\w/-]*)",
    r"\b(?:mrn|ssn|nhs|uhid|nric|accession|acct|curp|dni)\s+(?P<bare>[A-Z]{0,5}-?\d[\w/-]*)",
    r"\bmedicare\s+(?P<medicare>\d[\d ]{6,}\d)\b",
    r"\b\d{3}[- ]\d{2}[- ]\d{4}\b",
    r"\b\d{3} \d{3} \d{4}\b",
    # Six digits and more are no measure, whatever stands between them.
    r"(?<![\w.])(?!\d+(?:\s?x\s?\d+)+)(?!\d{1,3}(?:[-/]\d{1,3})+\s?-?(?:mm|cm|fr|french|f|g|gauge)\b)(?=(?:[A-Z]{0,6}[/-]?)?(?:\d[/-]?[A-Z]?){6})[A-Z]{0,6}[/-]?\d[\w/-]*\w\b",
    r"(?<![\w.])[A-Z]{1,4}-?\d{4,}\w*\b" + _UNIT,
    r"\bplates?\s+(?:number\s+|#\s?)?(?P<plate>[A-Z]{1,4}[\s-]?\d{3,5}|\d{1,4}[\s-]?[A-Z]{2,4}[\s-]?\d{0,4})\b(?!\s*-?\s*hole)",
    r"(?<![\w.,])\d{5}(?:-\d{4})?\b(?![.,]\d)" + _UNIT,
    r"\b[A-Z]{1,2}\d[A-Z\d]? \d(?!MM|CM|ML|CC|FR)[ABD-HJLNP-UW-Z]{2}\b",
)
_ROOMS = (
    # "bed 12", "side room 4", "room 7-449": not "bed rest", and no count ("2 units").
    r"\b(?:rooms?|rm|cubicle|bay|bed)\b\.?\s*(?:number\s*|no\.?\s*|#\s*)?(?P<room>[A-Z]?\d[\w-]*)",
    r"\bward\s+(?P<ward>\d+\s?[A-Z]?\b|[A-Z]\d+\b)",
)
_PATTERNS = tuple(re.compile(one, re.IGNORECASE) for one in (*_ADDRESSES, *_RECORDS, *_TELEPHONES, *_ROOMS))
_SIGN = re.compile(r"\b(?:no|nos|nr)\b\.?[\s:#]*\Z", re.I)
_BACK = 8
"""Letters before a number in which such a sign stands."""
_ADDRESS = re.compile(r"@|www|http|\bdot\b", re.I)


def numbers_in(text: str) -> Iterator[Span]:
    """Where such numbers stand: of "MRN: 1234567" the number alone, for the words before it tell nothing."""
    for begin, end in [(0, len(text))] if _ADDRESS.search(text) else windows(text):
        for pattern in _PATTERNS:
            for match in pattern.finditer(text, begin, end):
                kept = [name for name, part in match.groupdict().items() if part is not None]
                first, last = match.span(kept[0]) if kept else match.span()
                # "Medicare no 645" is no denial: the sign of a number goes with it.
                sign = _SIGN.search(text, max(0, first - _BACK), first)
                yield (sign.start() if sign else first), last
