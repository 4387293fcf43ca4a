"""The `scispacy` extractor: our rules, and a scispaCy model's entities and parse for what the lexicon does not know.

What the rules find and the lexicon names stays as it is. Of a statement that the lexicon knows nothing of, the model's
entities are what was observed, each with its own modifiers, rather than all the words of the clause. An entity that
the rules passed over becomes an observation of its own; the cue before it and the parse say whether it is denied.
A general pipeline's names, numbers and times are no observations.

spaCy alone loads a model that has only spaCy's components. scispaCy asks for numpy 1, so it is an extra; where it is
installed, its components are there for the models that have them.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Self

from ingest.extractors.mentions import mention_at
from ingest.extractors.protocol import Extraction
from ingest.extractors.rules import RulesExtractor, in_english
from ingest.grammar.language import read_language
from ingest.grammar.sentences import split_sentences
from ingest.grammar.temporality import temporalities
from ingest.mention import Mention
from ingest.report import Section
from kb.errors import UsageError
from kb.language.facets import read_side
from kb.language.grammar.statements import meant_at
from kb.language.grammar.telling import telling_parts
from kb.language.grammar.tokens import Span, tokenise
from kb.language.grammar.wording import PREPOSITIONS, observes
from kb.language.lexicon import load_lexicon
from schemas.terms import Assertion, Certainty

logger = logging.getLogger("clear_kb.ingest")

VERSION = "2"
"""Raised whenever the code mines another thing with the same model and rules."""

DEFAULT_MODEL = "en_core_sci_sm"

INSTALL = "pip install 'clear-kb[scispacy]', which brings numpy 1; the guide to mining says how to keep numpy 2"

_LINKER = "scispacy_linker"
"""A component that is left out: it only ties entities to a terminology, which it fetches."""

_UNKNOWN_COMPONENT = re.compile(r"\[E002\] Can't find factory for '([^']+)'")

_NAMES = ("EVENT", "FAC", "GPE", "LANGUAGE", "LAW", "LOC", "NORP", "ORG", "PERSON", "PRODUCT", "WORK_OF_ART")
_NUMBERS = ("CARDINAL", "DATE", "MONEY", "ORDINAL", "PERCENT", "QUANTITY", "TIME")
GENERAL = frozenset(_NAMES + _NUMBERS)
"""The kinds of entities of general pipelines: names, numbers and times, of which none is seen in an image."""

_MODIFIERS = frozenset(["amod", "compound", "nummod", "nmod", "advmod", "quantmod", "npadvmod", "poss"])
_PARTS = _MODIFIERS | {"pobj"}
"""How a word hangs on another that it is a part of."""

_DENIES = frozenset(["no", "neither", "nor", "absent"])
_SPOKEN_OF = frozenset(["evidence", "sign", "signs", "suggestion", "indication", "features"])
"""What is denied of a thing where the thing is meant ("no | evidence of | X")."""


class ScispacyExtractor:
    """Mines by our rules, and with a spaCy model where these meet words that the lexicon does not know."""

    name = "scispacy"
    languages: tuple[str, ...] | None = ("English",)
    chunk_reports = 100
    in_processes = True
    usage = None
    estimate = None
    broken = None

    def __init__(self, pipeline: Any):
        self._pipeline = pipeline
        self._rules = RulesExtractor()
        meta = pipeline.meta
        model = f"{meta.get('lang', '')}_{meta.get('name', '')}-{meta.get('version', '')}"
        self.fingerprint = f"scispacy/{VERSION}+{model}+{self._rules.fingerprint}"

    @classmethod
    def load(cls, model: str | None = None) -> ScispacyExtractor:
        """The extractor with the spaCy model of a name or folder.

        Raises:
            UsageError: it is not installed, has a component that is not, or finds no entities.
        """
        import spacy

        name = model or DEFAULT_MODEL
        _register_components()
        try:
            pipeline = spacy.load(name, exclude=[_LINKER])
        except (OSError, ValueError, ImportError) as error:
            raise UsageError(_why_not_loaded(name, error), parameter="model") from error
        if not {"ner", "entity_ruler", "span_ruler"} & set(pipeline.pipe_names):
            raise UsageError(f"the spaCy model '{name}' finds no entities: it has only {pipeline.pipe_names}")
        if (kinds := _kinds_of(pipeline)) and kinds <= GENERAL:
            told = ", ".join(sorted(kinds)[:3])
            logger.warning("the spaCy model '%s' names no findings (%s, ...): it adds nothing to the rules", name, told)
        return cls(pipeline)

    def rehearsal(self) -> Self:
        """Itself: mining costs nothing."""
        return self

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text."""
        read = [read_language(sections) for sections in reports]
        english = [sections for sections, one in zip(reports, read, strict=True) if one.failure is None]
        texts = [section.text for sections in english for section in sections]
        documents = iter(self._pipeline.pipe(texts))
        found: list[Extraction] = []
        for sections, one in zip(reports, read, strict=True):
            if one.failure is not None:
                found.append(Extraction([], failure=one.failure))
                continue
            mined = self._rules.mentions(sections)
            mentions: list[Mention] = []
            for section in sections:
                own = [mention for mention in mined if mention.section == section.name]
                mentions += with_entities(section, own, next(documents))
            found.append(Extraction(in_english(mentions, one), refused=one.told))
        return found


def _register_components() -> None:
    """Make scispaCy's components known to spaCy, where scispaCy is installed."""
    if find_spec("scispacy") is None:
        return
    import scispacy.abbreviation
    import scispacy.hyponym_detector

    if find_spec("pysbd") is not None:
        import scispacy.custom_sentence_segmenter  # noqa: F401
    # The detector of abbreviations looks for those that are defined elsewhere: none, it says of each report.
    warnings.filterwarnings("ignore", r"\[W036\]")


def _why_not_loaded(name: str, error: Exception) -> str:
    """What a user can do about a model that spaCy does not load."""
    if unknown := _UNKNOWN_COMPONENT.search(str(error)):
        return f"the spaCy model '{name}' has a component '{unknown[1]}' that is not here: install scispaCy ({INSTALL})"
    scispacy = "" if find_spec("scispacy") else f"scispaCy ({INSTALL}) and "
    return (
        f"there is no spaCy model '{name}' here: install {scispacy}the model file that scispaCy offers for its release "
        f"(pip install {name}-VERSION.tar.gz; the package of that name on the index is a stub), or name one "
        "by its name or folder; the extractor rules needs none"
    )


def _kinds_of(pipeline: Any) -> set[str]:
    """The kinds of entities that a pipeline can name."""
    names = {"ner", "entity_ruler", "span_ruler"} & set(pipeline.pipe_names)
    return {kind for name in names for kind in pipeline.get_pipe(name).labels}


def with_entities(section: Section, mined: Sequence[Mention], document: Any) -> list[Mention]:
    """The mentions of a section, with what a parsed `document` of its text adds to the `mined` ones, in order."""
    entities = [(phrase(entity), entity.root) for entity in named_by(document)]
    kept: list[Mention] = []
    for mention in mined:
        kept += list(_narrowed(section, mention, entities)) or [mention]
    covered = [span for mention in kept for span in mention.spans]
    for span, root in entities:
        if not any(start < span[1] and span[0] < end for start, end in covered):
            kept += _passed_over(section, span, root)
    return sorted(kept, key=lambda mention: mention.spans)


def named_by(document: Any) -> list[Any]:
    """The entities of a document that may be observed: none of the kinds that tell names, numbers and times."""
    return [entity for entity in document.ents if entity.label_ not in GENERAL]


def phrase(entity: Any) -> Span:
    """An entity with the modifiers that its parse puts before it ("large" of "large lepidic focus")."""
    first = entity.start
    while first > entity.sent.start if entity.doc.has_annotation("SENT_START") else first > 0:
        token = entity.doc[first - 1]
        if token.dep_ not in _MODIFIERS or not _is_under(token, entity):
            break
        first -= 1
    return entity.doc[first].idx, entity.end_char


def with_place(text: str, span: Span, mention: Mention) -> Span:
    """An entity with the place that follows it in its mention: "lepidic focus in the left upper lobe"."""
    end = next(last for first, last in mention.spans if first <= span[0] < last)
    after = text[span[1] : end]
    words = after.lower().split()
    if words and words[0] in PREPOSITIONS and (read_side(after) != "none" or not observes(tokenise(after))):
        return span[0], end
    return span


def _is_under(token: Any, entity: Any) -> bool:
    head = token.head
    return head != token and (entity.start <= head.i < entity.end or token.i < head.i < entity.end)


def _narrowed(section: Section, mention: Mention, entities: Iterable[tuple[Span, Any]]) -> Iterator[Mention]:
    """The entities that a statement outside the lexicon is about, each meant as the statement is.

    An entity whose word hangs on another of the statement ("UIP" of "UIP pattern") is a part of what was observed.
    """
    if load_lexicon().find(mention.text):
        return
    for (start, end), root in entities:
        within = any(first <= start and end <= last for first, last in mention.spans)
        if within and not _describes(root, mention) and observes(tokenise(section.text[start:end])):
            start, end = with_place(section.text, (start, end), mention)
            yield from _made(section, (start, end), mention.assertion, mention.certainty)


def _describes(root: Any, mention: Mention) -> bool:
    """Whether a word is a modifier of another word of a mention, or stands in a place or a part that this names."""
    head = root.head
    if root.dep_ not in _PARTS or head == root:
        return False
    return any(first <= head.idx < last for first, last in mention.spans)


def _passed_over(section: Section, span: Span, root: Any) -> Iterator[Mention]:
    """An entity that the rules made nothing of, where its sentence is about the image."""
    sentence = _sentence_at(section.text, span[0])
    if sentence is None:
        return
    text = section.text[slice(*sentence)]
    tokens = tokenise(text)
    words = [token for token in tokens if span[0] <= token.start + sentence[0] < span[1]]
    at = span[0] - sentence[0]
    if not any(first <= at < last for first, last in telling_parts(text)) or not observes(words):
        return
    meant = meant_at(tokens, at)
    if meant is None:
        return
    denied: tuple[Assertion, Certainty] = ("absent", "definite")
    assertion, certainty = denied if _denied(root) else meant
    yield from _made(section, span, assertion, certainty)


def _sentence_at(text: str, at: int) -> Span | None:
    return next((span for span in split_sentences(text) if span[0] <= at < span[1]), None)


def _denied(root: Any) -> bool:
    """Whether the parse denies a word: by a "no" of its own, or of the evidence or sign of it that is spoken of."""
    token = root
    while True:
        if any(child.lower_ in _DENIES for child in token.children):
            return True
        above = token.head
        if above.lower_ not in ("of", "for") or above.head.lower_ not in _SPOKEN_OF:
            return False
        token = above.head


def _made(section: Section, span: Span, assertion: Assertion, certainty: Certainty) -> Iterator[Mention]:
    begin, end = _sentence_at(section.text, span[0]) or span
    (temporality,) = temporalities(section.text[begin:end], [(span[0] - begin, span[1] - begin)])
    mention = mention_at(section, (span,), assertion, certainty=certainty, temporality=temporality)
    if mention is not None:
        yield mention
