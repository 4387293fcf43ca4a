"""What a source yields: a report with its sections, a reject that says why there is none, or what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Section:
    """One named part of a report.

    `name` is lower case ("findings", "impression", "indication", ...). `text` stands exactly as the source
    gives it: every span that is mined counts characters of this string, so nothing may be stripped off it.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Exam:
    """What a source says of the examination beside the report: each as it stands there, codes or words."""

    modality: tuple[str, ...] = ()
    procedure: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One report as a source gives it; `position` says where it stood ("row 17", "p10/p10000032/s50414267.txt").

    `fields` holds the columns that a condition asks about, by their names in it; nothing of them is stored.
    """

    report_id: str
    sections: tuple[Section, ...]
    position: str
    study_id: str | None = None
    patient_id: str | None = None
    exam: Exam = Exam()
    fields: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reject:
    """One input that could not be taken: where it stood and why, in words a person can act on."""

    position: str
    reason: str
    report_id: str | None = None


REPLACED = "replaced"
"""Why an earlier version is left out: another one of the same report stands."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One report that nobody asked for: where it stood, and why by a kind and a word, which are counted.

    A reject is a fault to look into; what is left out is none: an ankle film, a report that was withdrawn.
    """

    position: str
    why: str
    what: str
    report_id: str | None = None
