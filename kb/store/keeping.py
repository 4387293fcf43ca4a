"""Settling how many commits stay readable: a commit of its own, which all who write keep to from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kb.errors import UsageError
from kb.store.publication import Publication
from kb.store.retention import KEEP, Retention, read_retention
from kb.store.state import State

LEAST = 4
"""Commits that stay: a tag or a draft may be made of one that stands a little behind the newest."""


def set_retention(
    state: State,
    *,
    newest: int | None = None,
    days: int | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> Retention:
    """Settle how much stays readable from now on, as a commit; what is not given stays as it was.

    Args:
        state: the knowledge base.
        newest: how many of the newest commits.
        days: of how many days before today the last commit of main.
        by: who.
        why: the reason.
        dry_run: write nothing.

    Raises:
        UsageError: `newest` is below 4, or `days` below 0.
    """
    if newest is not None and newest < LEAST:
        raise UsageError(f"what was just done has to stay readable: keep the {LEAST} newest commits or more")
    if days is not None and days < 0:
        raise UsageError(f"{days} days cannot be kept: name 0 or more")

    def change(_: Publication) -> tuple[Mapping[str, Any] | None, Retention]:
        now = read_retention(state.commits.history())
        wanted = Retention(
            newest=now.newest if newest is None else newest,
            days=now.days if days is None else days,
        )
        return (None if wanted == now else wanted.to_dict()), wanted

    _, settled = state.publish(KEEP, change, by=by, why=why, dry_run=dry_run)
    return settled
