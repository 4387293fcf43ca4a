"""An audit in a process of its own: made, told in a section, and kept. What is said on the way goes through a pipe."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from encoder.audit.page.environment import filled
from encoder.audit.page.page import render
from encoder.audit.report.options import ReportOptions
from encoder.audit.report.report import gather
from encoder.prediction.judged import judged_split
from kb.commands.failures import describe
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher
from workbench.audit.asked import Asked
from workbench.audit.audits import KINDS
from workbench.audit.feet import charts_of, foot, with_feet
from workbench.audit.galleries import gallery_of
from workbench.audit.kept import Kept, keep, key_of
from workbench.audit.typed_commands import Place, audit_command

logger = logging.getLogger("clear_kb.workbench")

REPORT = "report"
EVERY_S = 0.2
"""Progress is told no more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An audit to be made: of which kind, on what, and of which state of which knowledge base."""

    kind: str
    asked: Asked
    uri: str
    commit: str
    storage_options: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """What it is kept by, beside its commit."""
        return key_of(self.uri, self.kind, self.asked)


def work(order: Order, connection: Connection) -> None:
    """The whole life of the process: make and keep what is ordered, and say at the end that it is there, or why not.

    It says ("stage", name, total), ("advance", done), and last ("done", "") or ("failed", why).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process
    try:
        base = KnowledgeBase.open(order.uri, order.commit, order.storage_options)
        keep(order.uri, order.key, make(base, order, Told(connection)))
        connection.send(("done", ""))
    except (ClearKbError, OSError) as error:
        connection.send(("failed", describe(error)))
    except Exception as error:
        logger.exception("%s", order.kind)
        connection.send(("failed", describe(error)))


class Told:
    """A watcher that tells the server."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._last = 0.0

    def stage(self, name: str, total: int | None) -> None:
        """Tell that a stage begins."""
        self._connection.send(("stage", name, total))

    def advance(self, done: int, items: int) -> None:
        """Tell how far it is, now and then."""
        now = time.monotonic()
        if now - self._last > EVERY_S:
            self._last = now
            self._connection.send(("advance", done, items))


def make(base: KnowledgeBase, order: Order, watcher: Watcher) -> Kept:
    """An audit, or a report, as it is kept."""
    started = time.monotonic()
    part = judged_split(base, [order.asked.of], order.asked.split)
    asked = order.asked.on(part)
    told = _report(base, asked, watcher) if order.kind == REPORT else _audit(base, order, asked, watcher)
    return Kept(
        kind=order.kind,
        commit=base.commit.commit_id,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        seconds=time.monotonic() - started,
        split=part,
        **told,
    )


def _audit(base: KnowledgeBase, order: Order, asked: Asked, watcher: Watcher) -> dict[str, Any]:
    """What is kept of an audit: its figures have feet that lead to what is kept beside them."""
    kind = KINDS[order.kind]
    found = kind.look(base, asked, watcher)
    view = kind.view(found, gallery_of(base, asked.of, asked.label))
    place = Place(order.uri, base.commit.commit_id)
    command = audit_command(kind.name, asked, place)

    def made(name: str) -> Markup:
        address = {"key": order.key, "commit": place.commit, "figure": name}
        csv, json = (f"/audit/data?{urlencode({**address, 'kind': one})}" for one in ("csv", "json"))
        return foot(command, csv, json, name)

    section = filled(kind.section, {"labels": [with_feet(view, made)], "notes": []})
    rows, columns = kind.flat([found])
    return {
        "section": str(section),
        "document": found.to_dict(),
        "rows": [{name: row.get(name) for name in columns} for row in rows],
        "charts": {name: [dict(point) for point in chart.points] for name, chart in charts_of(view).items()},
    }


def _report(base: KnowledgeBase, asked: Asked, watcher: Watcher) -> dict[str, Any]:
    """What is kept of a report: the page, whole."""
    options = ReportOptions(
        labels=(asked.label,),
        source=asked.source,
        split=asked.split,  # type: ignore[arg-type]  # a part, as `judged_split` names them
        where=asked.where,
        views=asked.views,
        encoder=asked.encoder,
        beside=tuple(run for run in asked.runs if run != asked.of),
    )
    page = render(gather(base, asked.of, options, watcher=watcher))
    return {"section": page, "document": {}, "rows": [], "charts": {}}
