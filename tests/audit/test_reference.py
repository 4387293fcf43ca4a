"""The reference of the audit: it is the definitions, all of them, and nothing else."""

from __future__ import annotations

import pytest

from kb.errors import UsageError
from kb.sql.queries import all_queries
from kb.sql.reference import PAGE, column_types, functions, reference, relations, schema_rows, schema_text
from kb.sql.session import AuditSession
from schemas.sql.audit_views import all_views


def test_the_page_is_what_is_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m kb.audit.reference"


@pytest.mark.parametrize("view", list(all_views()))
def test_every_column_is_documented_in_its_order(session: AuditSession, view: str) -> None:
    assert list(column_types(session, view)) == list(all_views()[view].columns)
    assert all(all_views()[view].columns.values())
    assert all_views()[view].about


def test_the_page_names_every_view_query_and_function() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in (*relations(), *all_queries()):
        assert f"### {name}\n" in page
    for call, about in functions():
        assert f"| `{call}` |" in page
        assert about
    assert {"metrics_by(g)", "concept_scores(image)", "label_name(label)"} <= {call for call, _ in functions()}


def test_the_short_form() -> None:
    assert "  auroc_low   lower end" in schema_text("METRICS")
    assert [row["relation"] for row in schema_rows("image_vectors")] == ["image_vectors"]
    with pytest.raises(UsageError, match="did you mean metrics"):
        schema_text("metrix")
    assert len(schema_rows()) == len(relations())
