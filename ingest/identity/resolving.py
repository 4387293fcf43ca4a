"""Ids against ids that are known: an id in another spelling is found where it can mean one thing only.

A name without its ending, in another folder or under another root of the same data set, is the known one that agrees
with it over the longest tail. Where several agree as far, none is taken: the reason shows them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.identity.normal import plain_id
from kb.images.names import is_of_many, stem
from kb.privacy.id_key import NAMES_NOTHING, tag_of

Rule = Literal["without its ending", "by another ending", "by its folder", "under another root"]
"""How an id was found that is not spelt as the known one."""

SHOWN = 3
"""Ids that a reason names."""

Path = tuple[str, ...]
"""The folders of a name and its stem."""


@dataclass(frozen=True)
class Resolved:
    """What ids in other spellings were found to be: the known id of each, by which rule, and what means several."""

    found: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why an id was not resolved: it may mean several."""

    def __getitem__(self, name: str) -> str:
        """The known id that `name` is, or `name` itself."""
        return self.found.get(name, name)

    def with_all(self, other: Resolved) -> Resolved:
        """These and those of `other`."""
        rules = Counter(self.rules)
        rules.update(other.rules)
        return Resolved({**self.found, **other.found}, dict(rules), {**self.refused, **other.refused})


class KnownIds:
    """Ids that are known, to be found by other spellings of theirs."""

    def __init__(self, names: Iterable[str]):
        self._names = set(names)
        self._paths: dict[str, Path] | None = None
        self._whole: dict[Path, list[str]] = {}
        self._rootless: dict[Path, list[str]] = {}
        self._tails: dict[int, dict[Path, list[str]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def resolve(self, asked: Iterable[str]) -> Resolved:
        """What each of `asked` is among the known ids; those that are spelt as they are known need nothing.

        Two of `asked` never become one id: where they would, both are refused.
        """
        asked = set(asked)
        found: dict[str, str] = {}
        how: dict[str, Rule] = {}
        refused: dict[str, str] = {}
        for name in asked - self._names if self._names else ():
            match self.find(name):
                case (known, rule):
                    found[name], how[name] = known, rule
                case str(reason):
                    refused[name] = reason
        meant = defaultdict(list)
        for name, known in found.items():
            meant[known].append(name)
        for known, names in meant.items():
            rivals = sorted([*names, *([known] if known in asked else [])])
            if len(rivals) > 1:
                for name in names:
                    del found[name]
                    refused[name] = f"{_listed(rivals)} would all be {known}: name them one way"
        return Resolved(found, dict(Counter(how[name] for name in found)), refused)

    def find(self, name: str) -> tuple[str, Rule] | str | None:
        """The known id that `name` means and the rule it was found by; a reason if several; None if none."""
        asked = _path(name)
        best: list[str] = []
        longest, rule = 0, None
        for known in self._candidates(asked):
            match = _agreement(asked, self._path_of(known))
            if match is None or match[0] < longest:
                continue
            if match[0] > longest:
                best, longest = [], match[0]
            best.append(known)
            rule = _rule(name, known, match[1])
        if len(best) > 1:
            return f"{name} may be {_listed(sorted(best))}"
        return (best[0], rule) if best and rule else None

    def _candidates(self, asked: Path) -> set[str]:
        """The known ids that may be meant: one is the end of the other, or is so without its first folder."""
        if self._paths is None:
            self._index()
        found: set[str] = set()
        for size in range(1, len(asked) + 1):
            found.update(self._whole.get(asked[-size:], ()))
            if 1 < size < len(asked):
                found.update(self._rootless.get(asked[-size:], ()))
        found.update(self._ending(len(asked)).get(asked, ()))
        if len(asked) > 2:
            found.update(self._ending(len(asked) - 1).get(asked[1:], ()))
        return found

    def _index(self) -> None:
        self._paths = {name: _path(name) for name in self._names}
        for name, path in self._paths.items():
            self._whole.setdefault(path, []).append(name)
            if len(path) > 2:
                self._rootless.setdefault(path[1:], []).append(name)

    def _ending(self, size: int) -> Mapping[Path, list[str]]:
        """The known ids of more parts than `size`, by their last ones; what is asked has few different lengths."""
        if size not in self._tails:
            tails = self._tails[size] = {}
            for name, path in (self._paths or {}).items():
                if size and len(path) > size:
                    tails.setdefault(path[-size:], []).append(name)
        return self._tails[size]

    def _path_of(self, known: str) -> Path:
        return (self._paths or {})[known]


def _agreement(asked: Path, known: Path) -> tuple[int, bool] | None:
    """Over how many parts two paths agree from the end, and whether their roots differ; None if they are two things.

    One has to be the end of the other; or what is left before the common end are two spellings of one root
    ("CheXpert-v1.0" and "CheXpert-v1.0-small"). A common end of names that every patient has says nothing.
    """
    same = 0
    for one, other in zip(reversed(asked), reversed(known), strict=False):
        if one != other:
            break
        same += 1
    if all(_names_nothing(part) for part in known[len(known) - same :]):
        return None
    left, right = asked[: len(asked) - same], known[: len(known) - same]
    if not left or not right:
        return same, False
    if same > 1 and _one_root(left[-1], right[-1]) and (len(left) == 1 or len(right) == 1):
        return same, True
    return None


def _names_nothing(part: str) -> bool:
    """Whether a part is one that many patients have, plain or hashed."""
    return is_of_many(part) or (part.startswith(NAMES_NOTHING) and tag_of(part) is not None)


def _one_root(one: str, other: str) -> bool:
    """Whether two folders are copies of one data set: one name goes on where the other ends."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return len(short) > 3 and not short.isdigit() and re.match(rf"{re.escape(short)}[-_ .]", long) is not None


def _rule(name: str, known: str, other_root: bool) -> Rule:
    if other_root:
        return "under another root"
    last, there = name.rpartition("/")[2], known.rpartition("/")[2]
    if last == there:
        return "by its folder"
    return "without its ending" if last == stem(last) or there == stem(there) else "by another ending"


def _path(name: str) -> Path:
    return tuple(part for part in stem(plain_id(name) or "").split("/") if part)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
