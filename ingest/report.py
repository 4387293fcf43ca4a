"""What a source yields: a report with its sections, or a reject that says why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One named part of a report.

    `name` is lower case ("findings", "impression", "indication", ...). `text` stands exactly as the source
    gives it: every span that is mined counts characters of this string, so nothing may be stripped off it.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report as a source gives it; `position` says where it stood ("row 17", "p10/p10000032/s50414267.txt")."""

    report_id: str
    sections: tuple[Section, ...]
    position: str
    study_id: str | None = None
    patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """One input that could not be taken: where it stood and why, in words a person can act on."""

    position: str
    reason: str
    report_id: str | None = None
