"""Which version of a report stands, where an export brings it preliminary, final and corrected: the last one.

An export is read twice: first every version is noted, then each is taken or left out. The notes lie in a temporary
file of SQLite, not in memory.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

from ingest.report import REPLACED, LeftOut

_MOMENT = re.compile(
    r"(\d{4})-?(\d\d)?-?(\d\d)?(?:[T ]?(\d\d):?(\d\d):?(\d\d)?(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_LATER = "substr(excluded.moment, 1, length(versions.moment)) >= substr(versions.moment, 1, length(excluded.moment))"


class Versions:
    """The last version of every report, by the times that they carry and else by their order."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE versions (report_id TEXT PRIMARY KEY, moment TEXT, place INTEGER) WITHOUT ROWID; BEGIN"
        )

    def note(self, report_id: str, place: int, time: str) -> None:
        """Note the version at a place of the export; `time` is when it was written, as HL7 or ISO 8601 has it."""
        self._db.execute(
            "INSERT INTO versions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET moment = excluded.moment, "
            f"place = excluded.place WHERE excluded.moment = '' OR versions.moment = '' OR {_LATER}",
            (report_id, moment(time), place),
        )

    def left_out(self, report_id: str, place: int, position: str) -> LeftOut | None:
        """Why the version at that place is left out, None if it is the one that stands."""
        row = self._db.execute("SELECT place FROM versions WHERE report_id = ?", (report_id,)).fetchone()
        if row is None or row[0] == place:
            return None
        return LeftOut(position, REPLACED, "by a later version of the same report", report_id)


def moment(text: str) -> str:
    """A time that sorts, in UTC and as exact as it was told ("20260131" or "20260131093000"); "" if it is none."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None or match[3] is None:
        return "".join(part for part in match.groups()[:3] if part) if match else ""
    if match[4] is None:
        return f"{match[1]}{match[2]}{match[3]}"
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        at = datetime(year, month, day, hour, minute, second, tzinfo=_zone(match[7]))
        return f"{at.astimezone(UTC):%Y%m%d%H%M%S}"
    except (ValueError, OverflowError):
        return ""


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
