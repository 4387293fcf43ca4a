"""The named SQL: one file a query under `schemas/sql/tables`, over the tables by their own names."""

from functools import cache
from importlib.resources import files


@cache
def named_sql(name: str) -> str:
    """The text of `schemas/sql/tables/NAME.sql`; KeyError if there is none."""
    try:
        return (files("schemas") / "sql" / "tables" / f"{name}.sql").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise KeyError(f"there is no named query '{name}'") from error
