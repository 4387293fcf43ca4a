"""The words that tell how a finding stands against earlier studies, and measures that tell it by their numbers."""

from __future__ import annotations

import re

from kb.language.hints import Hints
from schemas.terms import Temporality

_PARTLY = r"(?:partial(?:ly)?|partly|near(?:ly)?(?:[ -]complete(?:ly)?)?|almost|mostly|largely|incomplete(?:ly)?)"
_SEEN = r"(?:present|seen|visible|visuali[sz]ed|there|identified|evident|noted|demonstrated|apparent)"
_AT_END = r"(?=\s*(?:[.,;)]|\Z))"
_STUDY = (
    r"(?:exam\w*|stud(?:y|ies)|films?|radiographs?|x-?rays?|scans?|images?|imaging|cts?|mri|views?|reports?|dates?|days?|"
    r"comparisons?|chest|pa|ap|cxrs?|outside|portable|to|on|and|or|the|same|one|ones|described|noted|seen)\b"
)
_OPERATION = r"\w*(?:ectomy|otomy|ostomy|plasty|pexy|desis|cabg|bypass|surgery|operation|resection|transplant\w*)"
_HEADS_OF_OLD = ("sequelae of", "sequela of", "changes of", "residua of")
_UNITS = ("year", "years", "month", "months", "week", "weeks", "day", "days", "hour", "hours")
_BUT_NOT = r"(?:,| but|,? although| and| yet|,? though)+(?: still)?(?: has| have| is| are)? not \w+"
_OF_ANOTHER = "".join(f"(?<!{word} )" for word in ("since", "to", "from", "the", *_HEADS_OF_OLD))
_NEUTRAL = (
    r"(?:(?:interstitial|reticular|bronchovascular|lung|pulmonary|vascular|central|hilar|perihilar|basilar|bilateral)"
    r" )*(?:markings?|volumes?|vascularity|lucency|attenuation|translucency|diameter|kyphosis"
    r"|(?:heart|cardiac) (?:size|silhouette))"
)

_WORDS: tuple[tuple[Temporality, tuple[str, ...]], ...] = (
    (
        "decreased",
        (
            rf"{_PARTLY} (?:completely )?(?:clear|resol|improv)\w+",
            rf"(?:improv|decreas|diminish)\w+{_BUT_NOT}(?: \w+)?",
            rf"(?:better|smaller|less){_BUT_NOT}",
        ),
    ),
    (
        "stable",
        (
            r"not (?:yet |completely |fully |significantly |substantially )?(?:resolved|cleared|changed)",
            r"(?:has|have|had) not (?:\w+ly )?(?:enlarged|grown|increased|progressed|worsened|moved|migrated)",
            r"(?:no|without) (?!acute |new )(?:\w+ ){0,2}"
            r"(?:changes?|increase|decrease|worsening|improvement|progression|resolution|growth|enlargement)",
        ),
    ),
    (
        "resolved",
        (
            "resolved",
            "(?<!high )(?<!high-)(?<!spatial )resolution",
            r"(?:complete|full|entire) (?:interval )?(?:clearing|regression|disappearance)",
            r"regress\w+ (?:completely|entirely|fully)",
            "gone",
            "(?:is|are|has been|have been|was|were) (?:now )?(?:out|pulled|explanted|discontinued|replaced|exchanged)",
            rf"(?<!ruled )(?:out|pulled|discontinued){_AT_END}",
            "(?:has been|have been|was|were) (?:taken out|evacuated|withdrawn)",
            "disappeared",
            "no longer",
            "(?:no|without) (?:any )?residual",
            "cleared",
            "(?:has been|have been|was|were) removed",
            "(?:interval )?removal of",
        ),
    ),
    (
        "increased",
        (
            r"increas\w+",
            r"worsen\w*",
            "worse",
            "progress(?:ed|ion|ive|ing)",
            "enlarg(?:ing|ed since)",
            "larger",
            "bigger",
            "(?:interval |further )growth",
            "gr(?:own|ew|owing)",
            "expanded since",
            "more (?:prominent|extensive|conspicuous|marked|severe|dense|confluent|pronounced)",
        ),
    ),
    (
        "decreased",
        (
            r"decreas\w+",
            r"improv(?!ed aeration)\w+",
            "smaller",
            rf"better(?:{_AT_END}|(?= (?:than|now|today|since|compared|from)\b))",
            r"diminish\w+",
            "reduced",
            "reduction in",
            "less (?:prominent|extensive|conspicuous|marked|severe|dense|confluent|pronounced)",
            r"regress\w+",
        ),
    ),
    (
        "new",
        (
            "new",
            "newly",
            "developed",
            "developing",
            "interval (?:development|placement|appearance|insertion)",
            f"(?:is|are) now {_SEEN}",
            f"(?:was|were) not {_SEEN}",
            f"not {_SEEN} (?:before|previously|earlier)",
            f"not (?:previously|formerly) {_SEEN}",
            "(?:has|have) received",
        ),
    ),
    (
        "stable",
        (
            "stable",
            "unchanged",
            "similar",
            r"persist\w+",
            "again",
            r"redemonstrat\w+",
            "remain(?:s|ed)?",
            "continu(?:ed|es|ing)",
            "residual",
            "as before",
            "isq",
            rf"known{_AT_END}",
        ),
    ),
    (
        "historical",
        (
            "status post",
            "s/p",
            "h/o",
            "(?<!day )(?<!days )(?<!week )(?<!weeks )(?<!hour )(?<!month )(?<!months )history of(?! present)",
            rf"{_OF_ANOTHER}(?:prior|previous)(?= \w)(?! {_STUDY})",
            rf"(?:with|from|to|the) (?:prior|previous)(?= \w+ ?\w*(?:ectomy|otomy|exposure|disease|infection|tb\b))"
            rf"(?! {_STUDY})",
            "".join(rf"(?<!{unit}{mark})" for unit in _UNITS for mark in " -") + "old",
            "healed",
            "remote",
            r"(?:years?|months?|decades?) ago",
            "in the past",
            "(?:in|since) childhood",
            "former",
            rf"(?:prev|post) (?:\w+ ){{0,2}}{_OPERATION}",
            r"in (?:19|20)\d\d",
        ),
    ),
)
"""What tells each, the strongest first: what "has resolved since the prior study" is resolved."""

_SPATIAL = re.compile(
    r"\b(?:larg(?:er|est)|bigg(?:er|est)|great(?:er|est)|wors[et]t?|more|most|less|small(?:er|est)|denser)"
    r"(?:\s+\w+){0,2}?\s+(?:(?:on|in|at|along|within|toward)\s+(?:the\s+|both\s+)?|than\s+(?:on\s+)?(?:the\s+)?|[>]\s*)"
    r"(?:left|right|upper|lower|bases?|apex|apices|periphery|bibasilar\w*|l|r)\b",
    re.I,
)
"""Where something is worse, and not that it became so: "larger on the left", "left worse than right"."""
_OF_ITS_OWN_KIND = re.compile(
    rf"\b(?:(?:increas|decreas|diminish)\w*\s+(?:in\s+)?(?:the\s+)?{_NEUTRAL}|{_NEUTRAL}\s*:?\s+(?:increas|decreas|diminish)\w*)\b",
    re.I,
)
"""What is a finding by itself: "increased interstitial markings", unless it is told against another study."""
_COMPARES = re.compile(r"\b(?:interval|further|since|compared|previous\w*|prior|has|have|from)\b", re.I)

_NUMBER = r"(\d+(?:[.,]\d+)?)((?:\s*[x\u00d7]\s*\d+(?:[.,]\d+)?)*)\s*(cm|mm)"
_THEN = (
    r"\W{0,3}\s*(?:(?:previously|formerly|prior|was|were|compared\s+(?:with|to)"
    r"|versus|vs\.?|(?:up|down)\s+from|from)\s+)+"
)
_MEASURED = re.compile(rf"\b{_NUMBER}{_THEN}{_NUMBER}\b", re.I)
_GRADES = (
    ("trace", "tiny", "minimal"),
    ("small", "mild", "minor", "slight"),
    ("moderate",),
    ("large", "severe", "marked", "massive"),
)
_RANK = {word: rank for rank, words in enumerate(_GRADES) for word in words}
_GRADED = re.compile(
    rf"\bpreviously\s+({'|'.join(_RANK)})\b[^.;]*?\bnow\s+(?:\w+\s+)?({'|'.join(_RANK)})\b",
    re.I,
)


def _compiled(words: tuple[str, ...]) -> re.Pattern[str]:
    """The pattern in which a blank between two words stands for any blanks, but in what must not stand before."""
    parts = re.split(r"(\(\?<![^)]*\))", rf"\b(?:{'|'.join(words)})(?!\w)")
    return re.compile("".join(part if part.startswith("(?<!") else part.replace(" ", r"\s+") for part in parts), re.I)


_CUES = tuple((name, _compiled(words)) for name, words in _WORDS)
_HINTS = Hints(*(cue for _, cue in _CUES), _MEASURED, _GRADED, _SPATIAL)


def tells(text: str) -> bool:
    """Whether a text holds any of these words or measures."""
    cues, measures, _ = _possible(text)
    return any(cue.search(text) for _, cue in cues) or any(measure.search(text) for measure in measures)


def told_by(text: str) -> Temporality | None:
    """What the words of a text tell, or its measures; None if nothing."""
    cues, measures, spatial = _possible(text)
    if measures and (measured := told_by_measure(text)) is not None:
        return measured
    text = _SPATIAL.sub(_blank, text) if cues and spatial else text
    return next((temporality for temporality, cue in cues if cue.search(text)), None)


def _possible(text: str) -> tuple[list[tuple[Temporality, re.Pattern[str]]], list[re.Pattern[str]], bool]:
    """The cues and forms of measures that the words of a text hint at, and whether they hint at where it is worse."""
    possible = _HINTS.possible(text)
    if not possible:
        return [], [], False
    cues = [cue for at, cue in enumerate(_CUES) if possible >> at & 1]
    rest = possible >> len(_CUES)
    return cues, [form for at, form in enumerate((_MEASURED, _GRADED)) if rest >> at & 1], rest >> 2 == 1


def without_findings(text: str) -> str:
    """A sentence in which an "increased" that is a finding by itself is blank: of the same length."""
    return text if _COMPARES.search(text) else _OF_ITS_OWN_KIND.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def told_by_measure(text: str) -> Temporality | None:
    """What two measures tell, or two grades: "4.7 cm, previously 4.2 cm", "previously moderate, is now small"."""
    if match := _MEASURED.search(text):
        now, then = (_largest(match.group(at, at + 1, at + 2)) for at in (1, 4))
        return "stable" if now == then else "increased" if now > then else "decreased"
    if match := _GRADED.search(text):
        was, is_now = _RANK[match[1].lower()], _RANK[match[2].lower()]
        return "stable" if was == is_now else "increased" if is_now > was else "decreased"
    return None


def _largest(measure: tuple[str, ...]) -> float:
    numbers = re.findall(r"\d+(?:[.,]\d+)?", " ".join(measure[:2]))
    return max(float(number.replace(",", ".")) for number in numbers) * (10 if measure[2].lower() == "cm" else 1)
