"""The room of the audit: its pages and what they ask."""

from __future__ import annotations

from starlette.routing import Route

from workbench.audit import pages, sql_pages
from workbench.audit.audits import KINDS
from workbench.audit.making import REPORT
from workbench.room import Room

MADE = (*KINDS, REPORT)
"""What takes long."""

AUDIT = Room(
    name="audit",
    title="Audit",
    key="a",
    routes=(
        Route("/", pages.compare_page),
        Route("/compared", pages.compared_part),
        Route("/compared/data", pages.compared_data),
        Route("/data", pages.kept_data),
        Route("/sql", sql_pages.sql_page),
        Route("/sql/schema", sql_pages.schema_json),
        Route("/sql/run", sql_pages.run_sql, methods=["POST"]),
        Route("/sql/stop", sql_pages.stop_sql, methods=["POST"]),
        Route("/sql/saved", sql_pages.save_query, methods=["POST"]),
        Route("/sql/saved/{slug}/delete", sql_pages.delete_query, methods=["POST"]),
        Route("/sql/result/{number}", sql_pages.rows_part),
        Route("/sql/result/{number}/rows", sql_pages.rows_json),
        Route("/sql/result/{number}/file", sql_pages.download),
        Route("/report/file", pages.report_file),
        Route("/{kind}", pages.audit_page),
        Route("/{kind}/progress", pages.progress_part),
        Route("/{kind}/begin", pages.begin, methods=["POST"]),
        Route("/{kind}/stop", pages.stop, methods=["POST"]),
    ),
    # They read, and change nothing but what this server keeps for itself.
    asks=frozenset({"/sql/run", "/sql/stop", *(f"/{kind}/{act}" for kind in MADE for act in ("begin", "stop"))}),
)
"""What the application mounts."""
