"""Suggestions for the curator: what may be a duplicate, a synonym, an outlier, or too rare to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from kb.curation.suggest.suggestion import Kind, Suggestion, Suggestions
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

KINDS: tuple[Kind, ...] = get_args(Kind)

__all__ = ["KINDS", "Kind", "Suggestion", "Suggestions", "suggest"]


def suggest(kb: KnowledgeBase, kind: str, **options: Any) -> Suggestions:
    """Suggestions of one kind; the options are those of the function of that kind, `limit` among them.

    Raises:
        UsageError: there is no such kind.
    """
    from kb.curation.suggest.duplicates import suggest_duplicates
    from kb.curation.suggest.outliers import suggest_outliers
    from kb.curation.suggest.rare import suggest_rare
    from kb.curation.suggest.synonyms import suggest_synonyms

    functions: dict[str, Callable[..., Suggestions]] = {
        "duplicates": suggest_duplicates,
        "synonyms": suggest_synonyms,
        "outliers": suggest_outliers,
        "rare": suggest_rare,
    }
    if kind not in functions:
        raise UsageError(f"there are no suggestions of '{kind}': choose one of {', '.join(KINDS)}")
    return functions[kind](kb, **options)
