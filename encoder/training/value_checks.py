"""The values of a configuration: read from what YAML gives, and refused in words where they are impossible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from kb.errors import UsageError
from kb.reading.shown import shown

LISTS = ("freeze", "lora.targets")
"""Values that are lists of words."""

TEXTS = ("start", "backbone", "revision", "architecture", "views", "where")
"""Values that are words, also where they look like numbers: a folder called 2024."""


def check_names(values: Mapping[str, Any], kind: type, before: str) -> None:
    """UsageError where a name is none of the fields of a class; the message tells the nearest."""
    known = [known.name for known in fields(kind)]
    for name in values:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            hint = f": '{before}{near[0]}' was meant?" if near else f": one of {', '.join(known)}"
            raise UsageError(f"a training has no {shown(before + str(name))}{hint}")


def plain_value(name: str, value: Any) -> Any:
    """A value as YAML gives it: a list of words may be one word, and `1e-4` is a number."""
    if name in TEXTS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if is_number and name != "backbone" else value  # no model is called by a number
    if name not in LISTS:
        return _number(value)
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(","))
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise UsageError(f"{name} {shown(value)}: a word or a list of words was expected")
    return tuple(value)


def _number(value: Any) -> Any:
    """`1e-4` as a number: YAML 1.1 takes it for text, since it has no point."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def check_held(start: str, held: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """UsageError where a value is asked for that a checkpoint decides otherwise; pictures may be of another size."""
    for name in held.keys() & asked.keys() - {"size"}:
        if asked[name] != held[name]:
            theirs = f" ({held[name]})" if isinstance(held[name], int | float | str) else ""
            raise UsageError(f"{name} comes from the checkpoint in {start}{theirs}, and is another here: leave it out")


def choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """UsageError where a value is none of some words."""
    if value not in choices:
        raise UsageError(f"{name} {shown(value)}: one of {', '.join(choices)}")


def words_or_none(name: str, value: Any) -> None:
    """UsageError where a value is neither a text nor left out."""
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise UsageError(f"{name} {shown(value)}: words were expected, or nothing at all")


def whole(name: str, value: Any, low: int, high: int = 1_000_000) -> None:
    """UsageError where a value is no whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"{name} {shown(value)}: a whole number from {low} to {high:,} was expected")


def within(name: str, value: Any, low: float, high: float) -> None:
    """UsageError where a value is no number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{name} {shown(value)}: a number from {low:g} to {high:g} was expected")
