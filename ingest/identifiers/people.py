"""Names of people: by a title, by what was told to whom, by a profession behind them, by capitals, by the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingest.identifiers.tables import eponyms, is_known, is_name, marker, plain_words, spelt
from ingest.identifiers.words import GAP, WORD, Words
from kb.language.grammar.tokens import Span
from kb.language.lexicon import load_lexicon

_WORDS = re.compile(WORD)
_WORDS_PARTS = re.compile(r"[^\W\d_]+")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_SLASH = re.compile(r"[ \t]*(?:,[ \t]*and\b|,|&|/|\band\b|\by\b)[ \t]*(?:dr\.?[ \t]+)?", re.I)

_TITLE = re.compile(
    r"\b(?P<title>drs?|doctors?|mr|mrs|ms|miss|mx|messrs|professor|prof|sr|sra|srta|dra|do\u00f1a|don|herr|frau|mme|mlle"
    r"|monsieur|madame|sir|dame|reverend|rev|nurse|sister|matron|se\u00f1or|se\u00f1ora|capt|captain|sgt|sergeant|lieutenant|colonel"
    r"|smt|sri|shri|shrimati|sardar|kumari|begum|sheikh|rabbi|imam|pastor|son|daughter|wife|husband|mother|father|brother"
    r"|grandson|granddaughter|grandmother|grandfather|surgeon|radiographer|registrar|consultant)"
    r"\b(?P<dot>\.?(?:['\u2019]s)?)[ \t]*\(?(?=[^\W\d_])",
    re.I,
)
_SURE = frozenset(["dr", "drs", "mr", "mrs", "professor", "prof", "dra", "miss", "doctor"])
_READ_OTHERWISE = frozenset(["DR", "MR", "MS", "SR", "DON", "SIR"])
"""Capitals that are a technique or a valve as often: digital radiography, magnetic resonance, mitral stenosis."""

_TOLD_TO = re.compile(
    r"\b(?:(?:discuss(?:ed|ion|ions|ing)?|review(?:ed|ing)?|communicat\w+|convey\w*|relay\w*|sp[eo]ak\w*|spoke|confer\w*|consult\w*"
    r"|results?|findings?|critical|report(?:ed)?|d/w|talk(?:ed)?|conversation|correspondence|shared)"
    r"(?:\s+(?!(?:with|to|by)\b)[\w,/-]+){0,8}?\s+(?:with|to|by)|d/w|c/o\s+dr"
    r"|(?:called|phoned|paged|telephoned|faxed|given|sent|texted|e-?mailed|messaged|reported|told|addressed|attn|cc)\s*(?:to|:)"
    r"|(?:read|re-?read|dictated|signed|verified|approved|transcribed|interpreted|requested|ordered|referred|performed"
    r"|authenticated|seen|evaluated|examined|assessed|reviewed|reported|acknowledged|confirmed|received|typed|checked"
    r"|accepted|placed|inserted|supervised|prepared|edited|attended|operated|treated|followed|cared\s+for|discharged|admitted)"
    r"(?:\s+(?:off|back|and|electronically|on|final))*\s+(?:by|to)"
    r"|(?:notif(?:ied|y|ying)|inform(?:ed|ing)?|told|paged|called|contacted|alerted|texted|phoned|telephoned|advised|asked|reached|updated)"
    r"|(?:attending|radiologist|resident|physician|surgeon|provider|consultant|registrar|technologist|technician|tech|nurse|pcp|gp"
    r"|clinician|signed|dictator|author|reader|referrer|fellow|patient|pt|name|surname|daughter|wife|husband|son|mother"
    r"|father|brother|sister|spouse|guardian|kin|friend|per|attn|care\s+of|under)\s*(?:'s)?(?:\s+(?:name|named|is|called))*\s*[:,]"
    r"|(?:for|re|regarding)(?=\s+[^\W\d_]+,\s)|(?:named|name\s+is|known\s+as|initials|per|attn)\.?)\s+(?:the\s+)?(?:(?:[a-z]\.){1,2}[a-z]?\.?\s+)?",
    re.I,
)
_PATIENT = re.compile(
    r"\b(?:patient|pt|pts|baby|infant|bb|daughter|wife|husband|son|mother|brother|spouse)\b\.?[ \t]+", re.I
)
_SUBJECT = re.compile(
    r"\s+(?:(?:was|were|is|has|have|had|who|been|then|also|subsequently|verbally|immediately|personally)\s+){0,4}(?:also\s+)?"
    r"(?:notified|informed|told|contacted|called|paged|aware|made\s+aware|acknowledg\w+|verbali[sz]ed|confirmed\s+receipt|phoned"
    r"|read\s+back|responded|alerted|agrees|agreed|concurs|concurred|dictated|presents"
    r"|presented|complain\w+|denies|telephoned|texted|understood|understands|expressed|voiced)\b",
    re.I,
)
_PROFESSION = re.compile(
    r",?[ \t]+(?:md|m\.d\.|rn|r\.n\.|np|aprn|arnp|crnp|pa-c|lpn|crna|rrt|phd|dnp|fnp|mbbs|mbchb|frcr|frcs|frcp|mrcp"
    r"|facr|d\.o\.|r\.t\.|(?-i:DO|RT|PA|CNM|EMT|BSN|MSN|PT))(?![\w-])",
    re.I,
)
_INITIALS = re.compile(
    r"\b(?:[A-Z]\.[ \t]?){1,3}[ \t]*(?P<surname>(?:[a-z]{2,3} )?[A-Z][^\W\d_'\u2019-]+(?:-[A-Z][^\W\d_]+)?)"
)
_POINTED = re.compile(r"(?<![\w.])(?:[A-Z]\.[ \t]?){2,4}(?![\w])")
_DONE_BY = re.compile(r"(?:\b(?:by|per|s/b|r/v|d/w|dr\.?|rang|ring|post op)|\b[a-z]\.)[ \t]+\Z", re.I)
_BACK = 8
"""Letters before a name in which such a word stands."""
_NOTHING_MORE = re.compile(r"[ \t]*(?:[.,;)\n]|\Z|(?:at|on|and|&|for|to)\b)", re.I)
_SIGNED = re.compile(r"\((?P<name>[A-Z][a-z]{2,})\)(?=[ \t]*(?:[.\n]|\Z))")
"""One word with a capital in brackets behind a statement."""
_RELATION = re.compile(r"\b[sdwb]/o[ \t]+(?=[^\W\d_])", re.I)
"""Son, daughter, wife or baby of somebody; "w/o" before what is no name is "without"."""
_FAMILY = re.compile(r"(?:'s|\u2019s)?[ \t]+(?:family|relatives|household)\b", re.I)
_SAYS = re.compile(
    r"[ \t]+(?:thinks?|noted|notes|reported|reports|feels?|felt|wrote|writes|believes?|said|says|saw|reviewed|rang"
    r"|advised|interpreted|repeated|dictating|and\s+(?:dr\.?\s+)?\w+\s+agree)\b",
    re.I,
)
_TYPIST = re.compile(r"\b[A-Z]{2,4}[ \t]?[/:][ \t]?[a-z]{2,4}\b(?=[ \t]*(?:[.\n]|\Z))|\b[DT]: ?[A-Z]{2,4}\b")
_IN_BRACKETS = re.compile(
    r"\((?P<in>[A-Z]{2,3})\)(?=[ \t]*(?:\.|\n|\Z))"
    r"|\b(?i:reader|typist|initials)[ \t]+(?P<of>[A-Z]{2,3})\b"
)
_BY_A_SLASH = re.compile(r"[ \t]?/[ \t]?")
_OWNS = ("'s", "\u2019s")
_INITIALS_BELOW = re.compile(
    r"\b[^\W\d_]{2,4}[/:][^\W\d_]{2,4}(?=[ \t.]*(?:\n|\Z)|[ \t]+[dt]{1,2}:)"
    r"|(?<=\n)[^\W\d_]{2,4}(?=[ \t.]*\Z)|(?<=\d[ \t]{2})[^\W\d_]{2,4}(?=[ \t.]*\Z)"
)
"""Initials of who dictated and who wrote, at the end of a line or of the text."""
_BETWEEN_COMMAS = re.compile(r"(?<=\w,[ \t])(?P<name>[A-Z][a-z]{1,2})(?=,)")


def people_in(words: Words) -> Iterator[Span]:
    """Where names of people stand, with their titles."""
    found = [*_titled(words), *_told(words), *_by_their_form(words)]
    yield from found
    yield from _again(words, found)


def _again(words: Words, found: Sequence[Span]) -> Iterator[Span]:
    """Where the words of a name that was found stand once more, whatever stands around them there."""
    inside = {at for start, end in found for at in range(start, end)}
    named = {
        spelt(word)
        for word, (start, _) in zip(words.words, words.spans, strict=True)
        if start in inside and len(word) > 3 and not is_known(word)
    }
    for word, span in zip(words.words, words.spans, strict=True):
        if named and spelt(word) in named:
            yield span


def _titled(words: Words) -> Iterator[Span]:
    for match in _TITLE.finditer(words.text):
        begin = words.at.get(match.end())
        title = match["title"]
        if begin is None or (spelt(words.words[begin]) in plain_words() and not words.is_initial(begin)):
            continue
        # "Son reports", "surgeon advised": a role stands before verbs as often as before names.
        capital = words.mixed and words.words[begin].istitle() and not is_known(words.words[begin])
        if spelt(title) in marker("role") and not words.is_a_name(begin) and not capital:
            continue
        doubtful = title in _READ_OTHERWISE and not match["dot"]
        sure = spelt(title) in _SURE and not doubtful
        if title[0].isupper() and words.mixed and not doubtful:
            sure = words.is_capital(begin) and (sure or bool(match["dot"]))
        end = words.name_from(begin, sure=sure)
        while begin < end:
            yield match.start(), words.spans[end - 1][1]
            joint = _SLASH.match(words.text, words.spans[end - 1][1])
            if joint is None or not (title.lower() in ("drs", "doctors") or "dr" in joint[0].lower()):
                break
            begin = words.at.get(joint.end(), len(words.words))
            if begin == len(words.words):
                break
            end = words.name_from(begin)


def _told(words: Words) -> Iterator[Span]:
    """Names behind a word of telling, before one, and before a profession."""
    for match in _TOLD_TO.finditer(words.text):
        if (begin := words.at.get(match.end())) is None:
            continue
        end = words.name_from(begin)
        while begin < end:
            yield words.spans[begin][0], words.spans[end - 1][1]
            joint = _SLASH.match(words.text, words.spans[end - 1][1])
            begin = words.at.get(joint.end(), len(words.words)) if joint and joint[0] else len(words.words)
            end = words.name_from(begin) if begin < len(words.words) else begin
    for match in _PATIENT.finditer(words.text):
        if (begin := words.at.get(match.end())) is not None:
            end = words.name_from(begin, most=3)
            if begin == end:
                continue
            named = is_name(words.words[begin]) or words.is_capital(begin) or match[0].rstrip().endswith(".")
            if named or _SUBJECT.match(words.text, words.spans[end - 1][1]):
                yield words.spans[begin][0], words.spans[end - 1][1]
    for match in _RELATION.finditer(words.text):
        begin = words.at.get(match.end())
        if begin is not None and words.is_a_name(begin):
            yield match.start(), words.spans[words.name_from(begin) - 1][1]
    for pattern in (_SUBJECT, _SAYS, _FAMILY, _PROFESSION):
        for match in pattern.finditer(words.text):
            last = words.until.get(match.start())
            if last is None or (pattern is _SAYS and spelt(words.words[last]) in eponyms()):
                continue  # "MitraClip noted over the valve"
            yield from _name_up_to(words, last, of_profession=pattern is _PROFESSION)


def _name_up_to(words: Words, last: int, *, of_profession: bool) -> Iterator[Span]:
    """The name that ends with a word."""
    begin = last + 1
    if of_profession and last > 0 and words.follows(last):
        given, alike = words.words[last - 1], words.words[last - 1].isupper() == words.words[last].isupper()
        if is_name(given) or (alike and len(given) > 2 and not is_known(given)):
            begin = last  # "jane doe rn", "HAO LONG MD": behind a name a plain word is one too
    while begin > 0 and last + 1 - begin < 4:
        before = begin - 1
        word = words.words[before]
        initial = len(word) == 1 and word.isupper() and begin <= last
        if begin <= last and not words.follows(begin):
            break
        particle = begin <= last and spelt(word) in marker("particle")
        if len(word) == 1 and not initial:
            break
        if not (words.may_name(before) or initial or particle):
            break
        if words.mixed and not of_profession and not words.is_capital(before) and not is_name(word) and not particle:
            break
        begin = before
    if begin <= last:
        between = words.text[words.spans[begin - 1][1] : words.spans[begin][0]] if begin else ""
        if of_profession and _COMMA.fullmatch(between):
            begin -= words.may_name(begin - 1)
        yield words.spans[begin][0], words.spans[last][1]


def _by_their_form(words: Words) -> Iterator[Span]:
    """Names that their own form tells: two names, initials and a surname, a capital in the middle of a sentence."""
    for index, word in enumerate(words.words):
        if is_name(word):
            if not _of_an_eponym(words, index):
                yield words.spans[index]
                for beside in (index - 1, index + 1):
                    if 0 <= beside < len(words.words) and _belongs(words, index, beside):
                        yield words.spans[beside]
        elif words.nobody_knows(index) or _stands_out(words, index) or _two_names(words, index):
            if not _of_an_eponym(words, index):
                yield words.spans[index]
                if _goes_on_as_a_name(words, index + 1):
                    yield words.spans[index + 1]
        elif words.mixed and word.istitle() and spelt(word) not in plain_words() and _does_something(words, index):
            yield words.spans[index]
        elif word[-2:].lower() in _OWNS and not is_known(word) and spelt(word) not in eponyms():
            yield words.spans[index]  # "Red's right base": what owns something is somebody
        of_a_name = index > 0 and spelt(words.words[index - 1]) in marker("particle") and words.follows(index)
        if of_a_name and words.is_a_name(index) and not _of_an_eponym(words, index):
            yield words.spans[index - 1]  # "Al Khatib"
    for match in _INITIALS.finditer(words.text):
        surname = match["surname"].split()[-1]
        if match[0][:2] in ("L.", "R.") and eponyms().issuperset(_WORDS_PARTS.findall(spelt(surname))):
            continue  # "R > L. Blalock-Taussig shunt"
        if not is_known(surname) and not (words.mixed and surname.isupper() and len(surname) < 4):
            yield match.span()
    for match in _POINTED.finditer(words.text):
        letters = "".join(_WORDS.findall(match[0])).lower()
        if _is_no_abbreviation(letters) and letters not in marker("point"):
            yield match.span()
    for match in _TYPIST.finditer(words.text):
        if not any(is_known(word) for word in _WORDS.findall(match[0])[-2:] if len(word) > 1):
            yield match.span()
    for match in _SIGNED.finditer(words.text):
        if words.mixed and not is_known(match["name"]):
            yield match.span("name")
    for match in _IN_BRACKETS.finditer(words.text):
        part = "in" if match["in"] else "of"
        if _is_no_abbreviation(match[part]) and (words.mixed or part == "of"):
            yield match.span(part)
    for match in _INITIALS_BELOW.finditer(words.text):
        if all(map(_is_no_abbreviation, _WORDS.findall(match[0]))):
            yield match.span()
    for match in _BETWEEN_COMMAS.finditer(words.text):
        if words.mixed and _is_no_abbreviation(match["name"]):
            yield match.span("name")


def _is_no_abbreviation(letters: str) -> bool:
    return not is_known(letters) and load_lexicon().written_out(letters) == letters


def _belongs(words: Words, index: int, beside: int) -> bool:
    """Whether the word beside a name is a part of it: an initial, or a word that could be one, with a capital."""
    first, second = min(index, beside), max(index, beside)
    between = words.text[words.spans[first][1] : words.spans[second][0]]
    if not (GAP.fullmatch(between) or _COMMA.fullmatch(between)) or "\n" in between:
        return False
    word = words.words[beside]
    if len(word) == 1:
        return word.isupper()
    if beside > index and GAP.fullmatch(between) and words.goes_on(beside):
        return True
    under_way = 0 < beside < index and words.words[beside - 1].islower() and words.follows(beside)
    if under_way and GAP.fullmatch(between) and words.mixed and word.istitle():
        return True  # "contact of Will Schmidt": only a name explains the capital
    alone = spelt(word) in eponyms() and not words.follows(beside + 1)
    return (alone or not is_known(word)) and (words.is_capital(beside) or not words.mixed or is_name(word))


def _goes_on_as_a_name(words: Words, index: int) -> bool:
    """Whether a word behind a name that no table has is of it: "Sipho Hill", and not "Bardport Catheter"."""
    if not words.follows(index) or not words.goes_on(index):
        return False
    word = spelt(words.words[index])
    return word in eponyms() or not is_known(word)


def _of_an_eponym(words: Words, index: int) -> bool:
    """Whether a word names a thing by whoever described or made it: "Zenker diverticulum", "ligament of Treitz"."""
    word, last = spelt(words.words[index]), len(words.words) - 1
    parts = _WORDS_PARTS.findall(word)
    if _does_something(words, index):
        return False
    if word in eponyms() or (len(parts) > 1 and eponyms().issuperset(parts)):
        return True
    if words.nobody_knows(index) and words.follows(index + 1) and words.nobody_knows(index + 1):
        return False  # given name and surname
    between = words.text[words.spans[index - 1][1] : words.spans[index][0]] if index else ""
    if _BY_A_SLASH.fullmatch(between) and words.is_a_name(index - 1):
        return False  # "the Ybarra/Xiong stent"
    if index >= 2 and spelt(words.words[index - 1]) == "of" and words.follows(index) and words.follows(index - 1):
        return spelt(words.words[index - 2]) in marker("described")
    for after in (index + 1, index + 2):
        between = words.text[words.spans[index][1] : words.spans[after][0]] if after <= last else "."
        if not between.strip(" -\u2019's"):
            if spelt(words.words[after]) in marker("eponym"):
                return True
            break
    # "von Hippel-Lindau disease", "Ellis-van Creveld syndrome"
    joined = bool(parts) and parts[-1] in marker("particle") and index < last and words.follows(index + 1)
    return joined and words.words[index + 1][0].isupper() and _of_an_eponym(words, index + 1)


def _does_something(words: Words, index: int) -> bool:
    """Whether a word is of whoever did something and nothing behind it is named so: "by Campbell at 10", "(Levy)"."""
    if words.mixed and not words.is_capital(index):
        return False
    start, end = words.spans[index]
    by = _DONE_BY.search(words.text[max(0, start - _BACK) : start])
    return by is not None and _NOTHING_MORE.match(words.text, end) is not None


def _two_names(words: Words, index: int) -> bool:
    """Whether a word and one beside it are unknown, both with a capital: "Oluwaseun Ngyuen has ..."."""
    if not words.mixed:
        return False

    def may(at: int) -> bool:
        return 0 <= at < len(words.words) and words.words[at].istitle() and not is_known(words.words[at])

    before = index > 0 and words.follows(index) and may(index - 1)
    return may(index) and len(words.words[index]) > 2 and (before or (words.follows(index + 1) and may(index + 1)))


def _stands_out(words: Words, index: int) -> bool:
    """Whether an unknown word has a capital though a sentence is under way."""
    word, (start, _) = words.words[index], words.spans[index]
    if not words.mixed or index == 0 or len(word) < 3 or is_known(word) or not word[0].isupper():
        return False
    if word.isupper() and len(word) < 5:
        return False  # an abbreviation
    before = words.words[index - 1]
    between = words.text[words.spans[index - 1][1] : start]
    return before.islower() and re.fullmatch(r",?[ \t]+|,?[ \t]*\n[ \t]*", between) is not None
