"""What a query that fails, or finds nothing, is told: the likely slip, and what to write instead."""

from __future__ import annotations

import pytest

from kb.errors import UsageError
from kb.sql.session import AuditSession


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ('SELECT score FROM outcomes WHERE run = "good"', "text stands in single quotes, 'good'"),
        ("SELECT score FROM outcomes WHERE run = good", "text stands in single quotes, 'good'"),
        ("SELECT score FROM outcomes WHERE run IN (good)", "text stands in single quotes, 'good'"),
        ("SELECT device FROM outcomes", "it is an attribute: attributes['device']"),
        ("SELECT o.Study_Date FROM outcomes o", "it is an attribute: attributes['study date']"),
        ("SELECT aurok FROM metrics", "did you mean auroc"),
        ("SELECT run, by FROM metrics", "by is a word of SQL: the column is called grouping"),
        ("SELECT by FROM metrics", "by is a word of SQL: the column is called grouping"),
        ("SELECT run FROM metrics WHERE by = 'all'", "by is a word of SQL: the column is called grouping"),
        ("SELECT run, order FROM metrics", 'order is a word of SQL: as a name it stands in double quotes, "order"'),
        ("SELECT run, count(*) FROM outcomes", "GROUP BY ALL"),
        ("SELECT run, site, count(*) FROM outcomes GROUP BY run", "GROUP BY ALL"),
        ("SELECT run FROM outcomes WHERE count(*) > 1 GROUP BY run", "HAVING, behind GROUP BY"),
        ("SELECT run, count(*) FROM outcomes GROUP BY ;", "columns were expected behind GROUP BY"),
    ],
)
def test_an_error_names_the_likely_slip(session: AuditSession, sql: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        session.query(sql)
    told = str(refused.value)
    assert hint in told.split("\n")[0], told
    assert len(told.split("\n")) <= 2


def test_a_column_is_looked_for_in_the_views_that_are_read(session: AuditSession) -> None:
    for sql in ("SELECT o.value FROM outcomes o", "SELECT hidden FROM outcomes"):
        with pytest.raises(UsageError) as refused:
            session.query(sql)
        assert "did you mean" not in str(refused.value), "neither value, nor n"


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELECT * FROM outcomes WHERE run = 'Good'", "there is no run 'Good': did you mean good?"),
        ("FROM outcomes WHERE label = 'Pleural-Effusion'", "did you mean Pleural_Effusion, pleural effusion?"),
        ("FROM outcomes WHERE source='truth'", "there is no source 'truth': did you mean truth.csv?"),
        ("FROM images WHERE sex = 'f'", "there is no sex 'f': did you mean F?"),
        ("FROM errors WHERE kind = 'FP'", "there is no kind 'FP': there are false positive, false negative"),
        ("FROM metrics WHERE grouping = 'age band'", "there is no grouping 'age band': did you mean age_band?"),
        ("FROM images WHERE attributes['Device'] = 'd0'", "there is no attribute 'Device': did you mean device?"),
    ],
)
def test_a_value_that_no_row_holds_is_told(session: AuditSession, sql: str, hint: str) -> None:
    assert session.query(sql).rows() == []
    assert hint in " ".join(session.remarks(sql, rows=False))


def test_an_attribute_that_there_is_not_is_told_beside_rows(session: AuditSession) -> None:
    sql = "SELECT DISTINCT attributes['Device'] AS device FROM images"
    assert session.query(sql).rows() == [{"device": None}]
    assert session.remarks(sql, rows=True) == ["there is no attribute 'Device': did you mean device?"]
