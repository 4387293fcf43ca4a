"""One door to the suggestions of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from kb.choices import check_choice
from kb.curation.suggest.duplicates import STRONG, suggest_duplicates
from kb.curation.suggest.outliers import suggest_outliers
from kb.curation.suggest.rare import MOST_MENTIONS, suggest_rare
from kb.curation.suggest.suggestion import Kind, Suggestions
from kb.curation.suggest.synonyms import suggest_synonyms
from kb.errors import UsageError
from kb.store.state import State

KINDS: tuple[Kind, ...] = get_args(Kind)


def suggest(
    state: State,
    kind: str,
    *,
    limit: int | None = None,
    min_score: float | None = None,
    max_mentions: int | None = None,
    candidates_only: bool = False,
    on_stage: Callable[[str], object] = lambda _: None,
) -> Suggestions:
    """Suggestions of one kind, what matters most first.

    Args:
        state: the vocabulary.
        kind: "duplicates", "synonyms", "outliers" or "rare".
        limit: how many at most; default: all, and of the rare ones 50.
        min_score: duplicates only: from which likeness on, 0 to 1; default 0.9.
        max_mentions: rare ones only: mentioned so often at most; default 1.
        candidates_only: outliers only: leave out what was accepted.
        on_stage: hears what is being done.

    Raises:
        UsageError: there is no such kind, an option is of another kind, or nothing is embedded that has to be.
    """
    check_choice("kind of suggestion", kind, KINDS)
    for name, given, of in (
        ("min_score", min_score is not None, "duplicates"),
        ("max_mentions", max_mentions is not None, "rare"),
        ("candidates_only", candidates_only, "outliers"),
    ):
        if given and kind != of:
            raise UsageError(f"{name} is for {of}, not for {kind}")
    if kind == "duplicates":
        least = STRONG if min_score is None else min_score
        return suggest_duplicates(state, limit=limit, min_score=least, on_stage=on_stage)
    if kind == "synonyms":
        return suggest_synonyms(state, limit=limit)
    if kind == "outliers":
        return suggest_outliers(state, limit=limit, candidates_only=candidates_only)
    most = MOST_MENTIONS if max_mentions is None else max_mentions
    return suggest_rare(state, limit=50 if limit is None else limit, max_mentions=most)
