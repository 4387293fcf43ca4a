"""What an audit can be asked, as the audit itself tells it: every view, column and function."""

from __future__ import annotations

import pytest

from kb.errors import UsageError
from kb.sql.reference import column_types, functions, relations, schema_rows, schema_text
from kb.sql.views import Views
from schemas.sql.audit_views import all_views


@pytest.mark.parametrize("view", list(all_views()))
def test_every_column_is_documented_in_its_order(views: Views, view: str) -> None:
    assert list(column_types(views, view)) == list(all_views()[view].columns)
    assert all(all_views()[view].columns.values())
    assert all_views()[view].about


def test_every_function_says_what_it_gives() -> None:
    assert all(about for _, about in functions())
    assert {"metrics_by(g, part := 'judged')", "concept_scores(image)", "label_name(label)"} <= {
        call for call, _ in functions()
    }


def test_the_short_form() -> None:
    assert "  auroc_low   lower end" in schema_text("METRICS")
    assert [row["relation"] for row in schema_rows("image_vectors")] == ["image_vectors"]
    with pytest.raises(UsageError, match="did you mean metrics"):
        schema_text("metrix")
    assert len(schema_rows()) == len(relations())
