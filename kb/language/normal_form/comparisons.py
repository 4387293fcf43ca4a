"""What a phrase compares: with an earlier study, one side with the other, one part of a finding with the rest of it.

A concept does without: "effusions, left greater than right" are bilateral effusions, and "opacities, most in the bases"
are not in the bases alone.
"""

from __future__ import annotations

import re

from kb.language.hints import Hints
from kb.language.lexicon import load_lexicon

_SIDES = re.compile(
    r"\b(?:on\s+)?(?:the\s+)?(?:left|right)(?:-sided)?\s+(?:is\s+)?(?:greater|more|larger|less|worse|smaller)\s+than\s+"
    r"(?:on\s+)?(?:the\s+)?(?:left|right)(?:-sided)?\b",
    re.I,
)
_MOST = re.compile(
    r",?\s+(?:most(?=\s+(?:prominent|pronounced|marked|severe|evident|apparent|notable|conspicuous|extensive|numerous|"
    r"confluent|dense|in|at|on|within|involving|along)\b)|more|greatest|greater|worst|worse|larger|largest|less|least|"
    r"particularly|predominantly|especially|primarily|mainly|maximally)\b.*$",
    re.I | re.S,
)
_CHANGED = re.compile(
    r"\b(?:mildly|slightly|minimally|moderately|markedly|severely|significantly|substantially|somewhat)\s+"
    r"(?=(?:in|de)creas(?:ed?|ing)\b|improv|worse|larger\b|smaller\b)",
    re.I,
)
_VIEWS = re.compile(
    r"\b(?:(?:seen|noted|present)\s+)?(?:on|in)\s+(?:both\s+)?(?:the\s+)?(?:pa|ap|frontal|lateral)(?:\s+and\s+(?:the\s+)?"
    r"(?:pa|ap|frontal|lateral))?\s+(?:views?|projections?|radiographs?|films?|images?)\b",
    re.I,
)
_OF_VIEWS = Hints(_VIEWS)


def without_views(phrase: str) -> str:
    """A phrase without the pictures that show its finding: "on both PA and lateral views" tells no side."""
    return _VIEWS.sub("", phrase) if _OF_VIEWS.possible(phrase) else phrase


def without_comparisons(phrase: str) -> str:
    """A phrase without what it compares; where sides are compared, it is of both."""
    phrase = _CHANGED.sub("", _SIDES.sub("bilateral", without_views(phrase)))
    cut = _MOST.sub("", phrase)
    return cut if cut != phrase and load_lexicon().find(cut) else phrase
