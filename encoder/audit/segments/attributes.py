"""What the rows of an audit can be cut by: numbers such as age, categories such as sex, findings that reports state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from encoder.audit.confounders.exposures import Exposures
from encoder.audit.confounders.row_evidence import MOST_VALUES, NO_ATTRIBUTES
from encoder.audit.rows import AuditRows, rows_where
from kb.language.label_names import plain_label
from kb.sql.views import Views

Kind = Literal["attribute", "report", "image"]

FIELDS = ("sex", "age", "view", "site", "month")
"""Columns of the view `outcomes` that rows are cut by, before the attributes that tables tell of."""

FEWEST_NUMBERS = 9
"""Different numbers from which on an attribute is cut by size; one of fewer is a category."""

NUMERIC = 0.95
"""The share of the values of an attribute that have to be numbers for it to be one."""

STATED, NOT_STATED = "stated", "not stated"


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribute:
    """One thing that is known of rows.

    Attributes:
        name: "age", "sex", "pleural effusion".
        kind: what tells of it: a table, a report, or the picture itself.
        values: of each row, (n,): numbers (NaN where unknown), or places in `names` (-1 where unknown).
        names: of the categories; None for numbers.
    """

    name: str
    kind: Kind
    values: np.ndarray
    names: tuple[str, ...] | None = None

    @property
    def known(self) -> np.ndarray:
        """The rows of which it is known."""
        known: np.ndarray = np.isfinite(self.values) if self.names is None else self.values >= 0
        return known

    @property
    def tells(self) -> bool:
        """Whether rows differ in it."""
        known = int(self.known.sum())
        return len(np.unique(self.values[self.known])) > 1 or 0 < known < len(self.values)


def read_attributes(session: Views, rows: AuditRows, where: str | None = None) -> tuple[list[Attribute], list[str]]:
    """Sex, age, view, site, month and all attributes that tables tell of, and which of these have too many values.

    Those named as labels or ids are left out.
    """
    labels = {row["name"] for row in session.run("SELECT DISTINCT name FROM truths").rows()} | {plain_label(rows.label)}
    told = {_key(row): row for row in rows_where(session, rows.run, rows.label, where=where)}
    keys = zip(rows.image_ids, rows.study_ids, rows.patient_ids, strict=True)
    return attributes_of([told[key] for key in keys], skip=NO_ATTRIBUTES | labels | set(FIELDS))


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["image_id"], row["study_id"], row["patient_id"]


def attributes_of(told: Sequence[Mapping[str, Any]], skip: Collection[str] = ()) -> tuple[list[Attribute], list[str]]:
    """The attributes of rows from what is told of each, the fields and a mapping `attributes`; and what is left out."""
    names = dict.fromkeys(FIELDS)
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in told] for name in names}
    more = sorted({name for row in told for name in row.get("attributes") or {}})
    for name in more:
        # Where in the picture a label was drawn tells the label.
        if name not in skip and plain_label(name) not in skip and not name.startswith("boxes: "):
            columns[name] = [(row.get("attributes") or {}).get(name) for row in told]
    found = {name: attribute_of(name, values) for name, values in columns.items()}
    many = [name for name, one in found.items() if one is None and any(value is not None for value in columns[name])]
    notes = [f"not looked at, for they are no numbers and have more than {MOST_VALUES} values: {', '.join(many)}"]
    return [one for one in found.values() if one is not None and one.tells], notes if many else []


def attribute_of(name: str, values: Sequence[Any], kind: Kind = "attribute") -> Attribute | None:
    """An attribute by its values as they are told; None for ids and free texts, of which no two are alike."""
    texts = [None if value is None or str(value).strip() == "" else str(value).strip() for value in values]
    counts = Counter(text for text in texts if text is not None)
    if not counts:
        return None
    numbers = [_number(text) for text in counts]
    numeric = sum(number is not None for number in numbers) >= NUMERIC * len(numbers)
    if numeric and len(counts) >= FEWEST_NUMBERS:
        return Attribute(name=name, kind=kind, values=np.array([_known_number(text) for text in texts]))
    if len(counts) > MOST_VALUES:
        return None
    return categories(name, texts, kind)


def categories(name: str, values: Iterable[str | None], kind: Kind = "attribute") -> Attribute:
    """An attribute of few values, by the value of each row; None where it is unknown."""
    told = list(values)
    names = tuple(sorted({value for value in told if value is not None}))
    places = {value: place for place, value in enumerate(names)}
    codes = np.array([-1 if value is None else places[value] for value in told], dtype=np.int64)
    return Attribute(name=name, kind=kind, values=codes, names=names)


def findings_of(stated: Iterable[Exposures], aside: Collection[str]) -> list[Attribute]:
    """The findings that reports state, each as stated or not; those of the disease itself are left out."""
    found = []
    for exposures in stated:
        for number, name in enumerate(exposures.names):
            if exposures.findings[number] not in aside:
                codes = np.where(exposures.column(number), 0, 1)
                codes[~exposures.known[number]] = -1
                found.append(Attribute(name=name, kind="report", values=codes, names=(STATED, NOT_STATED)))
    return [one for one in found if one.tells]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _known_number(text: str | None) -> float:
    number = None if text is None else _number(text)
    return float("nan") if number is None else number
