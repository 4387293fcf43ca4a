"""What was asked for of the sources: a scope and a condition, applied to each report as it comes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ingest.report import LeftOut, Reject, Report
from ingest.scope.conditions import Condition, read_condition
from ingest.scope.regions import set_other_parts_aside
from ingest.scope.scope import SCOPES, judge_exam
from kb.errors import UsageError


@dataclass(frozen=True)
class Asked:
    """A scope, one of `SCOPES`, and a condition over the columns."""

    scope: str = "chest"
    where: Condition | None = None

    @classmethod
    def of(cls, scope: str, where: str | None) -> Asked:
        """What the user wrote; UsageError if the scope is none, or the condition cannot be read."""
        if scope not in SCOPES:
            raise UsageError(f"scope '{scope}': choose one of {', '.join(SCOPES)}")
        return cls(scope, read_condition(where) if where is not None else None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the condition asks about."""
        return self.where.columns if self.where else ()

    def judge(self, item: Report | Reject | LeftOut) -> Report | Reject | LeftOut:
        """The item, or why it is left out; of an examination of chest and more the other parts are set aside."""
        if not isinstance(item, Report):
            return item
        if self.where is not None:
            if refused := self._unasked(item, self.where):
                return refused
            item = replace(item, fields={})  # they were judged, and need not travel on
        if self.scope == "all":
            return item
        verdict = judge_exam(item)
        if verdict.why is not None:
            return LeftOut(item.position, verdict.why, verdict.what, item.report_id)
        return set_other_parts_aside(item) if verdict.mixed else item

    def _unasked(self, report: Report, where: Condition) -> LeftOut | None:
        if missing := [column for column in where.columns if column not in report.fields]:
            raise UsageError(f"the condition asks about '{missing[0]}', and the source was opened without it")
        truth = where(report.fields)
        if truth:
            return None
        # Who writes "modality != 'US'" may not think of the rows that have no modality: they are counted apart.
        what = where.text if truth is False else f"{where.text}: open, for a cell is blank or no number"
        return LeftOut(report.position, "not asked for", what, report.report_id)
