"""A part of a screen that shows texts of reports: as Text, never read as markup, and nothing in it acts."""

from __future__ import annotations

from rich.console import RenderableType
from textual.widgets import Static

from kb.visible import visible_text


class Shown(Static):
    """What it is told to show, with what a terminal would act on written out."""

    def show(self, what: RenderableType) -> None:
        """Show something else."""
        self.update(visible_text(what))
