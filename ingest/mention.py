"""One mined observation: what was said, where in the report, and the concept it belongs to."""

from typing import NamedTuple

from kb.language.facets import Facets
from kb.language.grammar.tokens import Span
from kb.language.measurements import Measurement
from schemas.terms import Assertion, Certainty, Laterality, Temporality


class Mention(NamedTuple):
    """One statement about one finding, structure or device, with the evidence for it.

    `spans` are in reading order and do not overlap; `text` is what stands under them, joined by single spaces.
    `severity` is the word as it stands ("Mild"), or "none". `facets` describe the concept: they hold the
    assertion of the concept (present or absent), its normal form and its canonical text.
    """

    section: str
    sentence: int
    sentence_span: Span
    spans: tuple[Span, ...]
    text: str
    assertion: Assertion
    certainty: Certainty
    temporality: Temporality
    laterality: Laterality
    severity: str
    measurements: tuple[Measurement, ...]
    facets: Facets
