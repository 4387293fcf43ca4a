"""Two sets of observations of the same reports, compared: what both find, what each finds alone, and how they judge it.

Two observations of a report and section are the same where the characters under their spans overlap by intersection
over union of at least `overlap`; the best pairs are taken first, each observation once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json
from kb.reading.text_lines import lines_of
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
    for number, line in lines_of(path):
        if line.strip():
            try:
                yield from _observations_of(read_json(line))
            except ValueError as error:
                raise ClearKbError(f"{path}, line {number} is no observation: {error}") from error


def _observations_of(row: Any) -> Iterator[Observation]:
    """The observations that a line tells; ValueError says what in it is none."""
    if not isinstance(row, Mapping):
        raise ValueError("it is no JSON object")
    report = row.get("report_id") or row.get("uid")
    if not isinstance(report, str | int) or isinstance(report, bool):
        raise ValueError("it has no report_id")
    found = row.get("observations", [row])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise ValueError("its observations are no list of objects")
    for one in found:
        yield {**one, "report_id": str(report), **_checked(one)}
    if not found:
        yield {"report_id": str(report)}  # a report of which nothing is said is held all the same


def _checked(one: Mapping[str, Any]) -> dict[str, Any]:
    """What a comparison looks at, each of its kind."""
    if missing := [name for name in ("section", "spans", "assertion") if name not in one]:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    for name in ("section", "assertion"):
        if not isinstance(one[name], str):
            raise ValueError(f"{name} is no text")
    for name in ("finding", "laterality", "severity", "temporality", "text"):
        if not isinstance(one.get(name), str | None):
            raise ValueError(f"{name} is no text")
    spans = one["spans"]
    if not isinstance(spans, list) or not all(map(_is_span, spans)):
        raise ValueError("spans is no list of pairs [start, end] in which no end comes before its start")
    quote = one.get("quote", [])
    if not isinstance(quote, list) or not all(isinstance(piece, str) for piece in quote):
        raise ValueError("quote is no list of texts")
    if not one.get("text") and not quote:
        raise ValueError("it has neither text nor quote")
    return {"text": one.get("text") or " ".join(quote)}


def _is_span(span: Any) -> bool:
    if not isinstance(span, list | tuple) or len(span) != 2 or not all(type(end) is int for end in span):
        return False
    return 0 <= span[0] <= span[1]


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
    touched = [[_apart(spans) for spans in side] for side in (a, b)]
    scored = []
    for i, mine in enumerate(touched[0]):
        for j, theirs in enumerate(touched[1]):
            common = _common(mine, theirs)
            union = _length(mine) + _length(theirs) - common
            share = common / union if union else 0.0
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


def _apart(spans: Spans) -> list[tuple[int, int]]:
    """Spans in their order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for start, end in spans if start < end):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _length(spans: Sequence[tuple[int, int]]) -> int:
    return sum(end - start for start, end in spans)


def _common(a: Sequence[tuple[int, int]], b: Sequence[tuple[int, int]]) -> int:
    """How many characters stand in both; the spans of each are apart and in order."""
    i = j = found = 0
    while i < len(a) and j < len(b):
        found += max(0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] <= b[j][1]:
            i += 1
        else:
            j += 1
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
