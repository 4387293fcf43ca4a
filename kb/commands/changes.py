"""How acts of curation are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.commands.options import Format
from kb.commands.output import print_rows

if TYPE_CHECKING:
    from kb.vocabulary.vocabulary import Vocabulary

FIELDS = ["change_id", "time", "act", "author", "reason", "concept_ids", "before", "after", "reverts"]


def print_changes(vocabulary: Vocabulary, concept_id: str | None, limit: int, output: Format) -> None:
    """Print the acts of curation, newest first: all, or those on one concept."""
    wanted = None if concept_id is None else vocabulary.get(concept_id).concept_id
    shown = list(reversed(vocabulary.changes(wanted)))[:limit]
    rows = [{**change.to_dict(), "line": change.line(wanted)} for change in shown]
    columns = ["change_id", "time", "line"] if output is Format.table else FIELDS
    print_rows(rows, columns, output, empty="nothing was changed yet")
