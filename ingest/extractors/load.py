"""The extractors by name."""

from __future__ import annotations

from collections.abc import Callable

from ingest.extractors.deidentified import Deidentified
from ingest.extractors.llm.llm_extractor import LlmExtractor
from ingest.extractors.protocol import Extractor
from ingest.extractors.rules import RulesExtractor
from ingest.extractors.scispacy_extractor import ScispacyExtractor
from ingest.extractors.second_opinion import SecondOpinion
from ingest.reports.options import ExtractorOptions
from kb.errors import UsageError


def _rules(options: ExtractorOptions) -> Extractor:
    if options.model is not None:
        raise UsageError("the extractor rules takes no model: it needs none")
    return RulesExtractor()


def _scispacy(options: ExtractorOptions) -> Extractor:
    return ScispacyExtractor.load(options.model)


def _llm(options: ExtractorOptions) -> Extractor:
    return LlmExtractor.connect(options)


EXTRACTORS: dict[str, Callable[[ExtractorOptions], Extractor]] = {"rules": _rules, "scispacy": _scispacy, "llm": _llm}
"""The extractors by name, and how each is made."""


def make_extractor(options: ExtractorOptions) -> Extractor:
    """A new extractor, with its second opinion where one is told; it is shown no identifiers unless these are kept.

    Raises:
        UsageError: there is none of that name, what it needs is not there, or the second is the same as the first.
    """
    for name in (options.name, *([options.second.name] if options.second else [])):
        if name not in EXTRACTORS:
            raise UsageError(f"there is no extractor '{name}': choose one of {', '.join(EXTRACTORS)}")
    extractor = _extractor(options)
    return extractor if options.keep_identifiers else Deidentified(extractor)


def _extractor(options: ExtractorOptions) -> Extractor:
    first = EXTRACTORS[options.name](options)
    if options.second is None:
        return first
    second = EXTRACTORS[options.second.name](options.second)
    if first.fingerprint == second.fingerprint:
        raise UsageError(f"a second opinion of {options.name} on itself is none: name another extractor or model")
    return SecondOpinion(first, second)
