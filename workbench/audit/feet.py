"""What stands beneath a figure: where its rows are had, and the command that makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from encoder.audit.page.views import Chart, Table
from workbench.templating import fill

Foot = Callable[[str], Markup]
"""Makes the foot of the figure of a name."""


def foot(command: str, csv: str, json: str, what: str) -> Markup:
    """The foot of one figure: two addresses, and a command to copy; `what` names the figure to a screen reader."""
    # Filled by a template, which escapes.
    return Markup(fill("audit/foot.html.j2", {"command": command, "csv": csv, "json": json, "what": what}))


def with_feet(view: Any, made: Foot) -> Any:
    """A view in which every chart that has points, and every table that has a name, has a foot."""
    if isinstance(view, Chart):
        return replace(view, foot=made(view.name)) if view.points else view
    if isinstance(view, Table):
        return replace(view, foot=made(view.name)) if view.name else view
    if isinstance(view, dict):
        return {name: with_feet(value, made) for name, value in view.items()}
    if isinstance(view, list | tuple) and type(view) in (list, tuple):
        return type(view)(with_feet(value, made) for value in view)
    return view


def charts_of(view: Any) -> dict[str, Chart]:
    """The charts of a view that have points, by name."""
    if isinstance(view, Chart):
        return {view.name: view} if view.points else {}
    parts = view.values() if isinstance(view, dict) else view if type(view) in (list, tuple) else ()
    return {name: chart for part in parts for name, chart in charts_of(part).items()}
