"""What was shown of groups, in few letters: whether they still stand as they were previewed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from kb.curation.review.group import Group


def seen_of(groups: Iterable[Group]) -> str:
    """A mark of groups as they stand: another one where a concept of them came, went, or is otherwise by now."""
    stand = [
        (group.act, group.text, [(one.key, one.text, one.status) for one in (group.survivor, *group.members) if one])
        for group in groups
    ]
    return blake2b(json.dumps(stand).encode(), digest_size=12).hexdigest()
