"""Templates filled in: those of the workbench itself, and by room those of each room ("review/group.html.j2")."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

HERE = Path(__file__).parent


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A template as HTML; what stands in a value is text, never markup, and a value that lacks is an error."""
    return environment().get_template(template).render(values)


@cache
def environment() -> Environment:
    """The one environment of all templates."""
    rooms = {folder.parent.name: FileSystemLoader(folder) for folder in sorted(HERE.glob("*/templates"))}
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(rooms)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["count"] = lambda number: f"{number:,}"
    return made
