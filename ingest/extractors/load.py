"""The extractors by name."""

from __future__ import annotations

from collections.abc import Callable

from ingest.extractors.protocol import Extractor
from ingest.reports.options import ExtractorOptions
from kb.errors import UsageError


def _rules(options: ExtractorOptions) -> Extractor:
    from ingest.extractors.rules import RulesExtractor

    if options.model is not None:
        raise UsageError("--extractor rules takes no model: it needs none")
    return RulesExtractor()


def _scispacy(options: ExtractorOptions) -> Extractor:
    from ingest.extractors.scispacy_extractor import ScispacyExtractor

    return ScispacyExtractor.load(options.model)


def _llm(options: ExtractorOptions) -> Extractor:
    from ingest.extractors.llm.llm_extractor import LlmExtractor

    return LlmExtractor.connect(options)


EXTRACTORS: dict[str, Callable[[ExtractorOptions], Extractor]] = {"rules": _rules, "scispacy": _scispacy, "llm": _llm}
"""What `--extractor` can name, and how each is made."""


def make_extractor(options: ExtractorOptions) -> Extractor:
    """A new extractor; UsageError where there is none of that name, or what it needs is not there."""
    if options.name not in EXTRACTORS:
        raise UsageError(f"there is no extractor '{options.name}': choose one of {', '.join(EXTRACTORS)}")
    return EXTRACTORS[options.name](options)
