"""Slips of the hand: the spellings at one letter from a word."""

from __future__ import annotations

from collections.abc import Iterator

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def one_slip_from(word: str) -> Iterator[str]:
    """Every spelling that lacks a letter of `word`, has one more, another one, or two exchanged."""
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def is_one_slip_from(word: str, other: str) -> bool:
    """Whether `other` is at one slip from `word`: to ask it of one spelling is faster than to go through all."""
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    same = next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    rest, others = word[same:], other[same:]
    if len(rest) != len(others):
        return rest[1:] == others or rest == others[1:]
    return rest[1:] == others[1:] or (rest[:2] == others[1::-1] and rest[2:] == others[2:])
