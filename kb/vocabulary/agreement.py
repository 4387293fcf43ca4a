"""Two sets of observations of the same reports, compared: what both find, what each finds alone, and how they judge it.

Two observations of a report and section are the same where the characters under their spans overlap by intersection
over union of at least `overlap`; the best pairs are taken first, each observation once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.store.state import State
from kb.vocabulary.observations import iter_observations

Observation = Mapping[str, Any]
BLANK = "(not said)"

OVERLAP = 0.5
"""Intersection over union of the characters, from which on two observations are the same, unless another is told."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many observations both have, and each alone; `f1` is the share of agreement: 2 both / (a + b)."""

    both: int
    only_a: int
    only_b: int

    @property
    def f1(self) -> float | None:
        """The harmonic mean of what share of each the other has; None if neither has any."""
        total = 2 * self.both + self.only_a + self.only_b
        return 2 * self.both / total if total else None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How two sets of observations agree on the reports that both hold.

    Attributes:
        reports: that both hold.
        reports_only_a: that only the first holds; nothing of them is compared.
        reports_only_b: likewise.
        all: spans alone.
        same_assertion: of the pairs that met, how many are judged alike.
        by_assertion: pairs that met and are judged alike, by that; what is not counts to each side alone.
        by_finding: the same by finding, where both sides name one; the largest disagreement first.
        confusion: of the pairs that met, (a's assertion, b's) to how many.
        facets: laterality, severity and temporality: of the pairs that met, the share that agrees.
        alone_a: what only the first has.
        alone_b: what only the second has.
    """

    reports: int
    reports_only_a: int
    reports_only_b: int
    all: Counts
    same_assertion: int
    by_assertion: dict[str, Counts]
    by_finding: dict[str, Counts]
    confusion: dict[tuple[str, str], int]
    facets: dict[str, float | None]
    alone_a: list[Observation]
    alone_b: list[Observation]

    def to_dict(self) -> dict[str, Any]:
        """The agreement as plain data, for JSON."""
        return {
            "reports": self.reports,
            "reports_only_a": self.reports_only_a,
            "reports_only_b": self.reports_only_b,
            "all": _told(self.all),
            "same_assertion": self.same_assertion,
            "by_assertion": {name: _told(counts) for name, counts in self.by_assertion.items()},
            "by_finding": {name: _told(counts) for name, counts in self.by_finding.items()},
            "confusion": [{"a": a, "b": b, "count": count} for (a, b), count in self.confusion.items()],
            "facets": self.facets,
            "alone_a": [dict(one) for one in self.alone_a],
            "alone_b": [dict(one) for one in self.alone_b],
        }


def compare_observations(
    first: Iterable[Observation], second: Iterable[Observation], *, overlap: float = OVERLAP
) -> Agreement:
    """Compare two sets of observations, as `observations export` writes them.

    Args:
        first: A, the ones that are compared.
        second: B.
        overlap: intersection over union of the characters, from which on two are the same.

    Raises:
        UsageError: the two have no report in common.
    """
    sides = [_by_place(first), _by_place(second)]
    held = [{report for report, _ in side} for side in sides]
    common = held[0] & held[1]
    if not common:
        raise UsageError("the two have no report in common: observations are compared report by report, by its id")
    pairs: list[tuple[Observation, Observation]] = []
    alone: tuple[list[Observation], list[Observation]] = ([], [])
    for place in sorted({*sides[0], *sides[1]}):
        if place[0] in common:
            a, b = (side.get(place, []) for side in sides)
            met = matched([one["spans"] for one in a], [one["spans"] for one in b], overlap)
            pairs += [(a[i], b[j]) for i, j in met]
            alone[0].extend(one for i, one in enumerate(a) if i not in {i for i, _ in met})
            alone[1].extend(one for j, one in enumerate(b) if j not in {j for _, j in met})
    confusion = Counter((str(a["assertion"]), str(b["assertion"])) for a, b in pairs)
    return Agreement(
        reports=len(common),
        reports_only_a=len(held[0] - common),
        reports_only_b=len(held[1] - common),
        all=Counts(len(pairs), len(alone[0]), len(alone[1])),
        same_assertion=sum(count for (a, b), count in confusion.items() if a == b),
        by_assertion=_by(pairs, alone, "assertion"),
        by_finding=_by(pairs, alone, "finding"),
        confusion=dict(confusion.most_common()),
        facets={name: _share(pairs, name) for name in ("laterality", "severity", "temporality")},
        alone_a=alone[0],
        alone_b=alone[1],
    )


def read_observations(kb: State | None, path: Path | None) -> Iterator[Observation]:
    """The observations of a knowledge base, or of a file: an export, or a gold file (a report a line).

    Raises:
        ClearKbError: a line of the file is no observation.
    """
    if kb is not None:
        yield from iter_observations(kb)
        return
    assert path is not None
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield from _observations_of(line, f"{path}, line {number}")


def _observations_of(line: str, where: str) -> Iterator[Observation]:
    try:
        row = json.loads(line)
        report = row.get("report_id") or row["uid"]
        for one in row.get("observations", [row]):
            yield {**one, "report_id": str(report), "text": one.get("text") or " ".join(one["quote"]), **_needed(one)}
        if "observations" in row and not row["observations"]:
            yield {"report_id": str(report)}  # a report of which nothing is said is held all the same
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ClearKbError(f"{where} is no observation: {error}") from error


def _needed(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("section", "spans", "assertion")}


def _by_place(observations: Iterable[Observation]) -> dict[tuple[str, str], list[Observation]]:
    found: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for one in observations:
        place = found[(str(one["report_id"]), str(one.get("section", "")).split("#")[0])]
        if "spans" in one:
            place.append(one)
    return found


Spans = Sequence[Sequence[int]]


def matched(a: Sequence[Spans], b: Sequence[Spans], overlap: float = OVERLAP) -> list[tuple[int, int]]:
    """Which spans of two observers are of the same observation, by their places: the best pairs first, each once.

    Args:
        a: the spans of each observation of the one, in one section of a report.
        b: those of the other.
        overlap: intersection over union of the characters, from which on two are the same.
    """
    touched = [[{at for start, end in spans for at in range(start, end)} for spans in side] for side in (a, b)]
    scored = []
    for i, mine in enumerate(touched[0]):
        for j, theirs in enumerate(touched[1]):
            union = len(mine | theirs)
            share = len(mine & theirs) / union if union else 0.0
            if share >= overlap and share > 0:
                scored.append((share, -i, -j))
    used: tuple[set[int], set[int]] = (set(), set())
    found = []
    for _, i, j in sorted(scored, reverse=True):
        if -i not in used[0] and -j not in used[1]:
            used[0].add(-i)
            used[1].add(-j)
            found.append((-i, -j))
    return found


def _by(
    pairs: Sequence[tuple[Observation, Observation]], alone: tuple[list[Observation], list[Observation]], name: str
) -> dict[str, Counts]:
    """Counts by a value; nothing if one side never says it."""
    both: Counter[str] = Counter()
    sides: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for a, b in pairs:
        values = str(a.get(name, BLANK)), str(b.get(name, BLANK))
        if BLANK in values:
            return {}
        if values[0] == values[1]:
            both[values[0]] += 1
        else:
            sides[0][values[0]] += 1
            sides[1][values[1]] += 1
    for counter, left in zip(sides, alone, strict=True):
        counter.update(str(one.get(name, BLANK)) for one in left)
    named = {*both, *sides[0], *sides[1]}
    found = {value: Counts(both[value], sides[0][value], sides[1][value]) for value in named}
    return dict(sorted(found.items(), key=lambda item: (-item[1].only_a - item[1].only_b, item[0])))


def _share(pairs: Sequence[tuple[Observation, Observation]], name: str) -> float | None:
    entries = [(str(a[name]).lower(), str(b[name]).lower()) for a, b in pairs if name in a and name in b]
    return sum(a == b for a, b in entries) / len(entries) if entries else None


def _told(counts: Counts) -> dict[str, Any]:
    return {"both": counts.both, "only_a": counts.only_a, "only_b": counts.only_b, "f1": counts.f1}
