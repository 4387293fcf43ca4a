"""`clear-kb vocab merge`: concepts that are one, named one by one or all that a rule of the suggestions is sure of."""

from __future__ import annotations

from typing import Annotated

import typer

from kb.commands.changes import print_change
from kb.commands.output import say
from kb.commands.shared import Writing, writes
from kb.commands.vocabulary_filters import (
    AssertionFilter,
    FindingFilter,
    KindFilter,
    LabelFilter,
    PlaceFilter,
    SeverityFilter,
    SideFilter,
    SourceFilter,
    TextFilter,
    filters_of,
)
from kb.curation.review.decide import by_rule, decide_groups
from kb.curation.review.groups import review_groups
from kb.errors import UsageError
from kb.vocabulary.filters import Filters


@writes(branch=True)
def merge_command(
    writing: Writing,
    concepts: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONCEPT...", help="Those that go into another: their ids, or their texts."),
    ] = None,
    into: Annotated[str | None, typer.Option("--into", metavar="CONCEPT", help="The concept that stays.")] = None,
    suggested: Annotated[
        str | None,
        typer.Option(
            "--suggested",
            metavar="RULE",
            help='All duplicates that are suggested for this reason, as one change: "the same words".',
        ),
    ] = None,
    assertion: AssertionFilter = None,
    side: SideFilter = None,
    finding: FindingFilter = None,
    place: PlaceFilter = None,
    severity: SeverityFilter = None,
    kind: KindFilter = None,
    source: SourceFilter = None,
    text: TextFilter = None,
    label: LabelFilter = None,
) -> None:
    """Merge concepts that mean the same into one, which takes their mentions and the wordings that reports use.

    Their ids still lead to it. `--suggested RULE` takes all suggested duplicates of one rule at once (try it with
    --dry-run): one change, which one `vocab revert` undoes; the filters are for it alone.
    """
    filters = filters_of(
        assertion=assertion, laterality=side, findings=finding, anatomy=place, severity=severity, kind=kind,
        source=source, text=text, label=label,
    )  # fmt: skip
    if suggested is not None:
        if concepts or into:
            raise UsageError("--suggested takes what is suggested: name no concepts beside it")
        _merge_suggested(writing, suggested, filters)
        return
    if not concepts or not into:
        raise UsageError("name the concepts, and --into the one that stays; or --suggested RULE")
    if filters is not None:
        raise UsageError("filters are for --suggested alone")
    vocabulary = writing.base.vocabulary
    ids = [vocabulary.named(ref).concept_id for ref in concepts]
    survivor = vocabulary.named(into).concept_id
    print_change(writing, writing.base.curate.merge(*ids, into=survivor, **writing.act))


def _merge_suggested(writing: Writing, rule: str, filters: Filters | None) -> None:
    groups = by_rule(review_groups(writing.base, "duplicates", filters=filters), rule)
    taken = sum(len(group.ticked) for group in groups)
    decided = decide_groups(writing.base, groups, **writing.act)
    print_change(writing, decided.change)
    into = "concept" if len(groups) == 1 else "concepts"
    say(f"{taken:,} {'would go' if writing.dry_run else 'went'} into {len(groups):,} {into}")
