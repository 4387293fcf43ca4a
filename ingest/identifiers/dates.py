"""Dates, times, and ages beyond 89: what stands in them for a day of somebody's life."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.identifiers.windows import windows
from kb.language.grammar.tokens import Span

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre"
    r"|diciembre)(?![^\W\d_])\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:['\u2019]?\d{2}\b|(?:19|20)\d{2})"
_WEEKDAY = r"(?:mon|tues?|wednes|thurs?|fri|satur|sun)day"
_MONDAYS = r"(?!\s+(?:hazards?|fever|asthma|dyspn|feeling|disease))"
"""As byssinosis has them."""
_ONES = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_TEENS = r"(?:thir|four|fif|six|seven|eigh|nine)teen"
_NUMBER = rf"(?:{_ONES}|ten|eleven|twelve|{_TEENS}|(?:twenty|thirty|forty|fifty)(?:[\s-]+{_ONES})?)\b"
_ORDINAL = (
    r"(?:(?:twenty[\s-]+|thirty[\s-]+)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth)"
)
_SPOKEN_YEAR = rf"(?:(?:nineteen|twenty)[\s-]+(?:oh[\s-]+)?{_NUMBER}|two\s+thousand(?:\s+(?:and\s+)?{_NUMBER})?)"
_UNIT = r"(?!\s*-?\s*(?:mm|cm|ml|cc|fr|french|ribs?|%|degrees?)\b)"
_NO_PLACE = r"(?!\s*(?:o\s?['\u2019]?\s?clock\s+)?(?:position|axis|location|radian|direction))"
"""As on the face of a clock: "the 12:30 position"."""

_DATES = (
    rf"\b{_DAY}(?:\s+of\s+|[\s./-]*){_MONTH}(?:[\s,./-]*{_YEAR})?",
    rf"\b{_MONTH}[\s./-]*{_DAY}(?![\d:/])(?:[\s,./-]+{_YEAR})?",
    rf"\b{_MONTH}[\s,./-]*(?:of\s+)?(?:(?:19|20)\d{{2}}|['\u2019]\d{{2}})\b",
    r"\b(?:19|20)\d{2}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?\d{1,2}(?:T[\d:.]+Z?)?\b",
    r"(?<!\d\.)\b(?:0?[1-9]|[12]\d|3[01])\s?(?P<sign>[-/.])\s?(?:0?[1-9]|[12]\d|3[01])\s?(?P=sign)\s?(?:(?:19|20)\d{2}|\d{2})\b"
    + _UNIT,
    r"\b(?:0?[1-9]|1[0-2])/(?:19|20)\d{2}\b",
    r"(?<=\bon )\d{1,2}[/.-]\d{1,2}\b(?![/.-]?\d)" + _UNIT,
    r"(?:(?<=\bdated )|(?<=\bsince )|(?<=\bfrom )|(?<=\bto )|(?<=\bstudy of )|(?<=\bexam of ))\d{1,2}/\d{1,2}\b"
    r"(?![/.-]?\d)" + _UNIT,
    r"\b(?:s/p\s+\w+|appt|appointment|films?|cxr|ct|study|studies|exam|radiographs?|prior|clinic|surgery|\w+(?:ostomy|otomy|ectomy|plasty))\s+"
    r"(?P<day>\d{1,2}/\d{1,2})\b(?![/.-]?\d)" + _UNIT,
    r"\[[^\]\n]*?\s(?P<noted>\d{1,2}/\d{1,2})\s?\]",
    rf"\b(?:(?:this\s+past|last|next|a\s+week\s+ago)\s+)?{_WEEKDAY}s?\b{_MONDAYS}(?:\s+(?:before\s+last|morning|afternoon|evening|night)\b"
    rf"|\s+(?:the\s+)?{_DAY}\b)?",
    rf"\b{_MONTH}\s+(?:the\s+)?{_ORDINAL}(?:[\s,]+{_SPOKEN_YEAR}|\b(?<!may first))",
    r"\b\d{1,2}[/-]\d{1,2}(?=,?\s+(?:at\s+)?(?:[01]?\d|2[0-3]):[0-5]\d)" + _UNIT,
    r"(?<=[ \t](?:[01]\d|2[0-3])[0-5]\d )\d{1,2}[/-]\d{1,2}\b" + _UNIT,
    r"\b(?:january|february|april|june|july|august|september|october|november|december)\b",
    r"(?:(?<=\bin )|(?<=\bon )|(?<=\bsince )|(?<=\blast ))march\b(?!\s+fracture)",
)
_TIMES = (
    r"\b(?:[01]?\d|2[0-3])\s?[:.h]\s?[0-5]\d(?::[0-5]\d)?\s?(?:[ap]\.?m\b\.?|hrs?\b|hours\b)",
    r"\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?\b" + _NO_PLACE,
    r"\b(?:[01]\d|2[0-3])[0-5]\d\s?(?:h|hrs?|hours)\b",
    r"\b(?:0?[1-9]|1[0-2]) [0-5]\d\s?[ap]\.?m\b\.?",
    r"(?<![\d.,])\b(?:0?[1-9]|1[0-2])\s?[ap]\.?\s?m\b\.?",
    r"(?<![\d.,/-])\b0\d[0-5]\d\b(?![.,/-]\d)" + _UNIT,
    r"\bat\s+(?P<at>(?:[01]\d|2[0-3])\.[0-5]\d(?:\s+and\s+(?:[01]\d|2[0-3])\.[0-5]\d)?)\b" + _UNIT,
    r"(?<![\d.,/-])\b(?:[01]\d|2[0-3])[0-5]\d(?=\s+\d{1,2}[/-]\d{1,2}\b)",
    r"\b(?:upright|supine|semi-?upright|portable|ap)\s+(?P<clock>(?:[01]\d|2[0-3])[0-5]\d)\b" + _UNIT,
    rf"\b(?:(?:half|quarter|{_NUMBER}(?:\s+minutes)?)\s+past|quarter\s+to)\s+(?:{_NUMBER}|noon|midnight)\b",
    rf"\b{_NUMBER}(?:[\s-]+(?:oh|o'clock|{_NUMBER}))*\s+[ap]\.?\s?m\b\.?",
)
_AGE = r"(?:9\d|1[0-2]\d)"
_NINETY = (
    r"(?:ninety(?:[\s-]+(?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:a|one)\s+hundred(?:\s+(?:and\s+)?\w+)?)"
)
_AGES = (
    rf"\b(?P<age>{_AGE})(?=\s*-?\s*(?:years?\b|yrs?\b|y\.?\s?/?\s?o\b|y\b|yo[mf]?\b|year-old|a[n\u00f1]os\b))",
    rf"\b(?P<sexed>{_AGE})(?=\s?(?:[MF]\b|male\b|female\b|man\b|woman\b|lady\b|gentleman\b))",
    rf"\b(?:age[d]?|age\s+of|age\s+is)\s*[:=]?\s*(?P<aged>{_AGE})\b(?!\s*(?:%|mm|cm))",
    rf"\b(?P<worded>{_NINETY})(?=[\s-]*(?:years?|yrs?|yo)\b)",
)

_PATTERNS = (
    re.compile("|".join(f"(?:{one})" for one in (*_DATES, *_AGES)), re.IGNORECASE),
    re.compile("|".join(f"(?:{one})" for one in _TIMES), re.IGNORECASE),
)
_WORDED = re.compile(
    r"ninety|hundred|days?\b|past\b|\b[ap]\.?\s?m\b|\bmay\b|\bmarch|\b(?:jan|febr)uary|april|\bju(?:ne|ly)\b|august|(?:em|to)ber",
    re.I,
)


def dates_in(text: str) -> Iterator[Span]:
    """Where dates, times and ages beyond 89 stand; a year alone is none."""
    for begin, end in [(0, len(text))] if _WORDED.search(text) else windows(text):
        for pattern in _PATTERNS:
            for match in pattern.finditer(text, begin, end):
                kept = [name for name, part in match.groupdict().items() if part is not None and name != "sign"]
                yield match.span(kept[0]) if kept else match.span()
