"""What a curator decided to leave as it is: the marks in a concept's `dismissed`, which every queue respects."""

from __future__ import annotations

from collections.abc import Sequence

AS_IT_IS = "review"
"""The mark of a concept that is left as it is: no queue of single concepts asks about it again."""

_NAME = "name: "


def no_name(name: str) -> str:
    """The mark that says that a wording is no name of the concept."""
    return f"{_NAME}{name}"


def names_refused(marks: Sequence[str]) -> list[str]:
    """The wordings that marks say are no names."""
    return [mark.removeprefix(_NAME) for mark in marks if mark.startswith(_NAME)]
