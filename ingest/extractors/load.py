"""The extractors by name."""

from __future__ import annotations

from collections.abc import Callable

from ingest.extractors.llm.llm_extractor import LlmExtractor
from ingest.extractors.protocol import Extractor
from ingest.extractors.rules import RulesExtractor
from ingest.extractors.scispacy_extractor import ScispacyExtractor
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
    """A new extractor; UsageError if there is none of that name, or what it needs is not there."""
    if options.name not in EXTRACTORS:
        raise UsageError(f"there is no extractor '{options.name}': choose one of {', '.join(EXTRACTORS)}")
    return EXTRACTORS[options.name](options)
