"""The templates of the page: whatever is put into them is text, and becomes text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from encoder.audit.page.views import Cell


def filled(template: str, values: Mapping[str, object]) -> Markup:
    """A template with its values, escaped; a name that it does not know is an error."""
    # Escaped by the template, which is the only place where markup is written.
    return Markup(_environment().get_template(f"{template}.html.j2").render(values))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("encoder.audit.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["cell"] = lambda value: value if isinstance(value, Cell) else Cell(str(value))
    return made
