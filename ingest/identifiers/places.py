"""Places that tell who somebody is: institutions, streets, towns that a person comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.identifiers.tables import eponyms, is_known, is_name, marker, spelt
from kb.language.grammar.tokens import Span

_NAMED = r"(?:[A-Z][\w'\u2019-]*|of|the|de|del|la|and|&|St\.?|St)"
_KIND = (
    r"(?:hospitals?|clinics?|medical\s+cent(?:er|re)|health\s?care(?:\s+(?:system|center|centre))?|health\s+(?:system|center|centre)"
    r"|infirmary|university|institute|nursing\s+home|care\s+home|hospice|rehab(?:ilitation)?(?:\s+(?:center|centre|facility))?"
    r"|imaging(?:\s+(?:center|centre|associates|group))|radiology\s+(?:associates|group|partners)|sanatorium|nhs(?:\s+foundation)?\s+trust"
    r"|cancer\s+cent(?:er|re)|memorial|general|regional|college|school|prison|jail|county|va|vamc|surgery\s+center|urgent\s+care)"
)
_CAPITAL_KIND = re.compile(
    rf"(?P<name>(?<![\w'])[A-Z][\w'\u2019.-]*(?:[ \t]+{_NAMED}){{0,4}}?)[ \t]+(?=[A-Z])(?i:{_KIND})\b"
)
_KINDS = re.compile(rf"(?<=[ \t]){_KIND}\b", re.I)
_BEFORE = re.compile(r"(?P<name>[^\W\d_][\w'\u2019.]*(?:[ \t]+[^\W\d_][\w'\u2019.]*){0,3})[ \t]+\Z")
LONGEST = 80
"""Letters before the word for an institution in which its name may stand."""
_OF = re.compile(
    r"\b(?i:hospital|university|college|institute|clinic|city|town|village|county|school|diocese)[ \t]+(?i:of|at)[ \t]+"
    r"(?P<name>[A-Z][\w'\u2019-]*(?:[ \t]+[A-Z][\w'\u2019-]*)*)"
)
_HALLOWED = re.compile(r"\b(?:st\.?|saint|mount|mercy|good|holy|sacred|our lady|trinity|royal|queen|king)\b", re.I)
_FROM = re.compile(
    r"\b(?:transfer(?:red)?|resident|native|lives|living|resid(?:es|ing)|referred|moved|arrived|brought|citizen|travel(?:led|ed|s)?"
    r"|immigrant|emigrated|visiting|visitor|seen|obtained|performed|done|acquired|outside\s+\w+|prior|films?)\s+(?:\w+\s+)?(?:from|in|at|of|to)\s+"
    r"(?P<name>[^\W\d_][\w'\u2019-]*(?:[ \t]+[^\W\d_][\w'\u2019-]*){0,2})",
    re.I,
)
_STREET = re.compile(
    r"\b\d{1,5}[A-Z]?[ \t]+(?:[NSEW]\.?[ \t]+)?(?:[^\W\d_][\w'\u2019-]*[ \t]+){1,3}?"
    r"(?:street|avenue|road|boulevard|blvd|drive|lane|court|terrace|crescent|close|nagar|marg|colony|enclave|grove|gardens|parade"
    r"|(?-i:St|Ave|Rd|Dr|Ln|Ct|Way|Place|Mews|Row|Rise|Hill|Walk|Square|ST|AVE|RD))\b\.?(?:[ \t]+\d{4,6}\b)?",
    re.I,
)
_STREET_ALONE = re.compile(
    r"\b(?:on|at|outside|near|in|along)[ \t]+(?P<name>(?!the\b)[^\W\d_]+(?:[ \t]+[^\W\d_]+)?[ \t]+"
    r"(?:street|avenue|road|boulevard|lane|crescent))\b",
    re.I,
)
_BEFORE_A_CODE = re.compile(
    r",[ \t]*(?P<name>[^\W\d_][\w'\u2019-]*(?:[ \t]+[^\W\d_][\w'\u2019-]*){0,2}),?[ \t]+(?:[A-Z]{2},?[ \t]+)?"
    r"\d{5}(?:-\d{4})?\b",
    re.I,
)
"""A town before its postcode."""

_NAMED_STREET = re.compile(
    r"(?<=[,:][ \t])(?P<name>[^\W\d_]+(?:[ \t]+[^\W\d_]+){0,2}[ \t]+"
    r"(?:street|avenue|road|boulevard|lane|crescent|rd|ave|blvd))\b(?=,)",
    re.I,
)
"""A street in an address that is told by commas: "cc: G. Hall, Old Quarry Road, El Centro"."""

_OUR_LADY = re.compile(r"\bour lady(?:[ \t]+of[ \t]+[^\W\d_]+|'s)?", re.I)
_WARD = re.compile(
    r"\b(?P<before>[^\W\d_][\w'\u2019-]*)[ \t]+(?:ward|unit|wing)\b"
    r"|\bward[ \t]+(?:\d+\w?[ \t]+)?(?P<behind>[^\W\d_][\w'\u2019-]*)",
    re.I,
)
_SAINT = re.compile(r"\b(?:(?-i:St\.?)|st\.|saint|royal)[ \t]+(?P<name>[^\W\d_][\w-]*(?:['\u2019]s)?)", re.I)
_TOWN_BEHIND = re.compile(r",[ \t]*(?P<name>[A-Z][\w'\u2019-]+(?:[ \t]+[A-Z][\w'\u2019-]+)?)")
"""What stands behind an institution or a street."""

_IN_TWO_WORDS = re.compile(
    r"\b(?:new\s+(?:york|jersey|mexico|hampshire|orleans|delhi|zealand|england|haven)|rhode\s+island|west\s+virginia"
    r"|(?:north|south)\s+(?:carolina|dakota|africa|korea)|los\s+angeles|las\s+vegas|hong\s+kong|puerto\s+rico|long\s+island"
    r"|san\s+(?:francisco|diego|antonio|jos[e\u00e9]|juan)|salt\s+lake\s+city|kansas\s+city|little\s+rock|cape\s+(?:cod|town)"
    r"|(?:fort|ft\.?)\s+(?:worth|wayne|lauderdale)|saint\s+(?:louis|paul)|st\.?\s+(?:louis|paul)|palm\s+beach|great\s+britain"
    r"|united\s+(?:states|kingdom)|sri\s+lanka|saudi\s+arabia|costa\s+rica|el\s+salvador|sierra\s+leone|ivory\s+coast"
    r"|tel\s+aviv|buenos\s+aires|rio\s+de\s+janeiro|s[a\u00e3]o\s+paulo|mexico\s+city|kuala\s+lumpur)\b",
    re.I,
)
"""Towns and countries whose words are plain ones, or no name, one by one."""


def places_in(text: str) -> Iterator[Span]:
    """Where the names of such places stand: of "Mercy General Hospital" all but the last word."""
    shouted = text.isupper()
    for match in () if shouted else _CAPITAL_KIND.finditer(text):
        name = match["name"]
        known = name.lower() in marker("stop") or all(is_known(word) for word in re.findall(r"[^\W\d_]+", name))
        if not known or _HALLOWED.search(name):
            yield match.span("name")
    for match in () if shouted else _OF.finditer(text):
        yield match.span("name")
    for kind in _KINDS.finditer(text):
        begin = max(0, kind.start() - LONGEST)
        if before := _BEFORE.search(text[begin : kind.start()]):
            yield from ((begin + start, begin + end) for start, end in _unknown_words(before, first=False))
            yield from _town_behind(text, kind.end())
    for match in _FROM.finditer(text):
        yield from _unknown_words(match, first=True)
    for match in _WARD.finditer(text):
        part = "before" if match["before"] else "behind"
        word = match[part]
        if word.lower() not in marker("stop") and not is_known(word) and (word[0].isupper() or is_name(word)):
            yield match.span(part)
    for match in _SAINT.finditer(text):
        if spelt(match["name"]) in eponyms():
            continue  # "St. Jude valve"
        if not is_known(match["name"]) or match["name"][-2:] in ("'s", "\u2019s"):
            yield match.span()
    for pattern in (_STREET_ALONE, _NAMED_STREET, _BEFORE_A_CODE):
        for match in pattern.finditer(text):
            yield match.span("name")
    for pattern in (_IN_TWO_WORDS, _OUR_LADY):
        for match in pattern.finditer(text):
            yield match.span()
    for match in _STREET.finditer(text):
        yield match.span()
        yield from _town_behind(text, match.end())


def _town_behind(text: str, at: int) -> Iterator[Span]:
    match = _TOWN_BEHIND.match(text, at)
    if match and not is_known(match["name"]):
        yield match.span("name")


def _unknown_words(match: re.Match[str], *, first: bool) -> Iterator[Span]:
    """The words of a name that are neither of radiology nor plain; those in a row are one."""
    found = [one.span() for one in re.finditer(r"[^\W\d_][\w'\u2019-]*", match["name"])]
    words = [match["name"][start:end] for start, end in found]
    begin = match.start("name")
    for (start, end), word in zip(found, words, strict=True):
        if word.lower() in marker("stop") or is_known(word):
            if first:
                return  # "seen in the apex": what is behind is no name of a place
            continue
        yield begin + start, begin + end
