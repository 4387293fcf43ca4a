"""What of a sentence is about the image: technique, advice, stamps, pointers and references are told by their form."""

from __future__ import annotations

import re
from functools import lru_cache

from kb.language.grammar.tokens import Span
from kb.language.grammar.wording import found_in
from kb.language.hints import Hints

_STUDY = (
    r"(?:ct|cta|mri|mr|pet|ultrasound|sonography|echocardiography|angiography|films?|views?|radiographs?|x-?rays?|imaging"
    r"|scans?|stud(?:y|ies)|bronchoscopy|biopsy|examination|exam)"
)
_NOTHING = re.compile(
    r"\b(?:recommend\w*|discussed|dictat\w+|notified|informed|conveyed|relayed|paged|communicated|telephoned|phoned|advise|"
    r"called to|trauma team|at the time of (?:interpretation|dictation|this)|"
    r"(?:ct|cta|mri|ultrasound|films?|views?|radiographs?|imaging) "
    r"(?:is |are |was |were )?(?:advised|suggested|requested)|"
    rf"{_STUDY} (?:may|might|can|could|would|will|should|must) (?:also |then |still )?(?!represent|reflect|show)\w+|"
    r"repeat (?:film|cxr|radiograph|x-?ray|imaging|chest|exam\w*|study|views?|ct)|rec\b|f/u|d/w|please\b|"
    r"(?:is|are) (?:difficult|hard) to (?:assess|evaluate)|"
    r"cannot be (?:determined|assessed|evaluated|judged)|management per|image quality|postoperative day|"
    r"correlat\w+|follow[- ]?up|consider\b|"
    r"views? of the chest (?:(?:were|was|are|is) )?(?:provided|obtained|submitted|performed|reviewed|were)|"
    r"(?:was|were) (?:obtained|performed|reviewed|provided|acquired)|examination consists|"
    r"exam(?:ination)? (?:is |was )?limited|comparison (?:is |was )?made|advised|suggest (?:ct|chest|clinical)|"
    r"further (?:evaluation|investigation|imaging|characterization|assessment)|technologist|telephone|"
    r"per (?:the )?protocol|"
    r"clinical (?:suspicion|concern|history|information)|^technique|no comparison|no prior(?! evidence)|none available|"
    r"reason for exam|would be helpful|may be helpful|"
    r"suboptimal (?:study|exam\w*|evaluation|film|quality|position\w*|technique)|"
    r"if (?:clinically|there|suspected|concern))\b"
    r"|(?:^|[,;.]\s+|\s[-\u2013\u2014]\s|\band\s)(?:evaluate|assess|look|search|check|recheck|re-?evaluate|re-?assess|obtain"
    r"|repeat|compare|monitor|refer|see|attention)\s+(?!to)\w"
    r"|\b(?:evaluation|assessment|detection|sensitivity|visuali[sz]ation|interpretation|exclusion|diagnosis)\b[^.,;]{0,80}"
    r"\b(?:is|are|was|were)\b[^.,;]{0,80}\b(?:limited|suboptimal|low|lower|reduced|poor|difficult|compromised|impaired|degraded"
    r"|decreased|incomplete|restricted|hampered|not possible|nondiagnostic)\b"
    r"|\b(?:limited|insensitive|suboptimal|inadequate|poor) (?:for|in) (?:the |detecting |evaluating )?"
    r"(?:detection|evaluation|assessment|exclusion|diagnosis|small|subtle|nodules?|fractures?|pneumo\w+|effusions?|any)\b"
    r"|\binsensitive (?:for|to)\b"
    r"|\b(?:team|registrar|reg|consultant|ward|physician|clinician|surgeon|nurse|gp) (?:is |are |was |were )?(?:made )?"
    r"(?:aware|informed|alerted|called|bleeped)\b"
    r"|^(?:adv|rpt|ref)\b|\b(?:degraded|limited) by\b|\bcase courtesy\b|\bcounsel\w+\b"
    r"|\b(?:histologically|pathologically|surgically|biopsy)[- ](?:proven|confirmed)\b|\bin pacs\b"
    r"|\b(?:will be|to be) (?:described|reported|dictated|correlated)\b"
    r"|\bopacification of the (?:pulmonary arter\w+|aorta|vessels|vasculature)\b"
    rf"|\b(?:{_STUDY}|survey|referral|discussion|opinion|review)\b[^.,;]{{0,60}}\b(?:needed|required|indicated|suggested|advised|requested)\b"
    r"|^clinical (?:notes?|details|data|indication)\b\s*:"
    r"|^compared\s+\d"
    r"|^(?:should|in case)\b|\b\d+[- ]years?[- ]old\b"
    r"|\b(?:reported|dictated|described|imaged) (?:separately|elsewhere)\b",
)
"""A clause with such words says nothing of what the image shows."""

_IMPAIRED = re.compile(
    r"\b(?:rotat(?:ed|ion)|(?:limits?|limiting) (?:the |its )?(?:evaluation|assessment))\b"
    r"|\blimited (?:by|study|exam|due|secondary)\b",
)
"""How good the picture is: such a clause says nothing, but what stands beside it may."""

_PURPOSE = re.compile(
    r"\bto (?:confirm|ensure|document|assess|evaluate|re-?assess|re-?evaluate|further|better|characteri[sz]e|define"
    r"|verify|monitor|exclude|rule out)\b"
    r"|,?\s*\b(?:(?:which|that)\s+)?(?:can|could|may|might|should|would) be (?:further |better )?"
    r"(?:assessed|evaluated|characteri[sz]ed|investigated|clarified|confirmed|imaged)(?: further| better)?"
    r" (?:with|by|on|using)\b"
)
_UNABLE = re.compile(
    r"\b(?:unable|not|n't|cannot|insufficient|inadequate|difficult|hard|impossible|fails?|failed|limited|nothing)\b",
)
_CAUSE = re.compile(r"\b(?:because of|because|due to|owing to|secondary to|as a result of)\s", re.I)
_RESUMES = re.compile(r"\b(?:but|however)\b,?|,\s*(?=(?:and )?(?:there (?:is|are)|no)\b)", re.I)

_CLAUSE_END = re.compile(r",|;|\s[-\u2013\u2014]+\s|\bfor which\b")
_AND_THEN = re.compile(r"\sand\s(?=(?:\S+\s+){0,4}\Z)")
"""An "and" a few words before the advice: "a pneumothorax is seen and was | discussed"."""

_BESIDE = re.compile(r",|;|\s(?:and|but)\s")

_PLACEHOLDER = re.compile(
    r"\W*(?:n\.?\s?/?\s?a\.?|nan|null|none|nil|tbd|tbc|unknown|blank|empty|test|pending"
    r"|(?:not|none) (?:available|applicable|done|given|provided|recorded|performed|obtained|stated|reported|dictated"
    r"|known)"
    r"|(?:(?-i:[A-Z])\.?\s*){0,2}(?-i:[A-Z])\w+,? (?:MD|M\.D\.|DO|FRCR|PhD|MBBS))\W*",
    re.I,
)
_STAMP = re.compile(
    r"\b(?:I|[Ww]e) (?:have|am|was|were|agree|did|personally|attest|concur|discussed|reviewed|spoke|called"
    r"|certify|hereby)\b"
    r"|\b(?i:end of (?:the )?(?:report|impression|findings|dictation|document|addendum|exam\w*)"
    r"|(?:wet|preliminary|final) (?:read|report|interpretation|result)"
    r"|dictated but not \w+|not (?:yet )?(?:been )?(?:read|reviewed|verified|signed|approved) by"
    r"|reviewed and (?:approved|signed|verified)|(?:report|exam) status|images? (?:were |was )?reviewed"
    r"|electronically (?:signed|verified|approved)|signed by|e-?signed|version #?\d"
    r"|transcri(?:bed|ption\w*) (?:by|on|above)"
    r"|approved by|(?:report|exam) verified|verified by|attending (?:physician|radiologist)"
    r"|resident physician|this report (?:was|has been)"
    r"|need(?:s)? action|critical (?:result|value)s?)\b"
)
_POINTER = re.compile(
    r"\b(?:(?:please )?(?:see|refer to)\b.{0,60}\b(?:report|reports|note|notes|above|below|dictation|ct|mri"
    r"|study|section|same day|ultrasound|scan|mammogram|radiographs?)"
    r"|separate (?:report|dictation)|under separate|(?:reported|dictated|described) (?:separately|elsewhere)"
    r"|as per (?:the )?(?:ct|report))\b",
)

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*"
_REFERENCE = re.compile(
    r"\((?=[^()]*\b(?:series|se|images?|ims?|slices?|img)\b[\s#./:]*\d)[^()]*\)"
    r"|\[(?=[^\[\]]*\b(?:series|se|images?|ims?|slices?|img)\b[\s#./:]*\d)[^\[\]]*\]"
    r"|\b(?:on |see )?(?:series|se|images?|ims?|slices?|img)[\s#.:]*\d+"
    r"(?:(?:\s*[/,&-]\s*|\s+(?:and|to|image|im|img|of)\s+)\d+)*"
    r"|\b(?:dated |of |from |since |on )?(?:\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{4}-\d{2}-\d{2})\b"
    rf"|\b(?:dated |of |from |since |on )?(?:\d{{1,2}} {_MONTH}\.? \d{{4}}|{_MONTH}\.? \d{{1,2}},? \d{{4}})\b"
    rf"|\b(?:dated |of |from |since |on )\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}\b"
    r"|,? ?\b(?:(?:which|that|and) )?(?:was|were) not (?:present|seen|visible|there|noted|identified|evident)"
    r" (?:on|in|at) (?:the )?(?:prior|previous|earlier|last|old|most recent|\d)[^.,;]*"
    r"|,? ?\b(?:(?:which|that|and) )?(?:(?:was|were) )?not (?:present|seen|visible|there|noted|identified|evident)"
    r" (?:before|previously|earlier|in the past)\b"
    r"|\b(?:lung|bi)-?rads(?: category)?:?\s*\d\w?(?:\s*:)?"
    r"|^\d{4} ?(?:hours|hrs|h)\b"
    r"|\b(?:at |from |since )?\d{1,2}:\d{2}(?::\d{2})?(?:\s?(?:[ap]\.?m\.?|hours|hrs?))?(?!\w)"
    r"|\b(?:at |from |since )\d{1,2}\s?[ap]\.?m\b\.?"
    r"|\b(?:at |from |since )\d{4}\s?(?:hours|hrs)\b",
    re.I,
)
_MAY_REFER = re.compile(r"\d|\bnot\b", re.I)


_HINTS = Hints(_NOTHING, _IMPAIRED, _PURPOSE, _STAMP, _POINTER)
"""What a sentence must hold a word of, to say anything that is not about the image."""


@lru_cache(50_000)
def referring(sentence: str) -> tuple[Span, ...]:
    """The stretches that point to an image, a series, a day or a time: "(series 3, image 12)", "since 3/4/2019"."""
    if not _MAY_REFER.search(sentence):
        return ()
    return tuple(match.span() for match in _REFERENCE.finditer(sentence))


def telling_parts(sentence: str) -> list[Span]:
    """The parts of a sentence that are about the image, and not about technique, advice or who was told.

    "Right basal opacity, recommend CT" tells up to its comma, "the patient is rotated, and there is an effusion" from
    its comma on, "the heart cannot be assessed due to effusion" from its cause on, "two views were obtained" nothing.
    """
    end = len(sentence)
    if not end or _PLACEHOLDER.fullmatch(sentence):
        return []
    if not _HINTS.possible(sentence):
        return [(0, end)]
    small = _in_small_letters(sentence)
    if _STAMP.search(sentence) or _POINTER.search(small):
        return []
    if (aim := _PURPOSE.search(small)) and not _UNABLE.search(small, 0, aim.start()):
        end = aim.start()
    if said := _NOTHING.search(small, 0, end):
        return _around(sentence, said, end)
    if said := _IMPAIRED.search(small, 0, end):
        before = max((mark.start() for mark in _BESIDE.finditer(sentence, 0, said.start())), default=0)
        if found_in(sentence[before : said.start()].lower()):
            before = said.start()  # "large effusion limits evaluation of the base": the effusion is there
        after = next((mark.start() for mark in _BESIDE.finditer(sentence, said.end(), end)), end)
        return [span for span in ((0, before), (after, end)) if span[0] < span[1]]
    return [(0, end)] if end else []


def _in_small_letters(text: str) -> str:
    """A text of the same length, for patterns in small letters: to ignore case takes a pattern twice as long."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(letter.lower()[:1] for letter in text)


def _around(sentence: str, said: re.Match[str], end: int) -> list[Span]:
    """What tells before a clause that says nothing, and after it where a cause or another clause follows."""
    ends = [mark.start() for mark in _CLAUSE_END.finditer(sentence, 0, said.start() + 1)]
    ends += [mark.start() for mark in _AND_THEN.finditer(sentence, 0, said.start())]
    before = max(ends, default=0)
    after = next((mark for mark in (_CAUSE.search(sentence, said.end(), end),) if mark), None)
    after = after or _RESUMES.search(sentence, said.end(), end)
    spans = [(0, before)] if before else []
    if after:
        spans += telling_spans(sentence, after.end(), end)
    return spans


def telling_spans(sentence: str, start: int, end: int) -> list[Span]:
    """What tells of a stretch of a sentence."""
    return [(start + first, start + last) for first, last in telling_parts(sentence[start:end])]
