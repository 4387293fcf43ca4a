"""An addendum corrects: what stood above and is the opposite of what it states is not taken, and told."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mention import Mention

ADDENDUM = "addendum"


def corrected(mentions: Sequence[Mention]) -> tuple[list[Mention], tuple[str, ...]]:
    """The mentions without those that an addendum of the report contradicts, and of each of these what corrects it.

    "No pneumothorax" above and "there is a small left apical pneumothorax" in the addendum: only the latter holds. A
    denial of the left side is not corrected by something on the right.
    """
    added = [one for one in mentions if _is_added(one) and one.assertion != "uncertain"]
    kept: list[Mention] = []
    told: list[str] = []
    for mention in mentions:
        by = None if _is_added(mention) else next((one for one in added if _contradicts(one, mention)), None)
        if by is None:
            kept.append(mention)
        else:
            told.append(
                f"addendum: {mention.text!r} ({mention.assertion}) of {mention.section} is corrected by {by.text!r} "
                f"({by.assertion})"
            )
    return kept, tuple(told)


def _is_added(mention: Mention) -> bool:
    return mention.section.split("#")[0] == ADDENDUM


def _contradicts(added: Mention, mention: Mention) -> bool:
    sides = {added.laterality, mention.laterality}
    return (
        added.facets.finding == mention.facets.finding
        and {added.assertion, mention.assertion} == {"present", "absent"}
        and (len(sides) == 1 or not sides.isdisjoint(("none", "bilateral")))
        and (mention.facets.anatomy in (None, added.facets.anatomy) or added.facets.anatomy is None)
    )
