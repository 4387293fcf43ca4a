"""The colours of the charts: those of the page on white paper, which the style sheet knows by name.

Within the page each becomes `var(--name)`, so that a chart is dark where the page is.
"""

from __future__ import annotations

import re

PAPER, INK, SOFT, RULE = "#ffffff", "#1b1f24", "#505862", "#c9ced6"
BLUE, RUST, GREY = "#005c99", "#a84300", "#5c6570"
GREEN, OCHRE, RED = "#1a6b3c", "#8a5a00", "#b3261e"

NAMES = {
    PAPER: "paper",
    INK: "ink",
    SOFT: "soft",
    RULE: "rule",
    BLUE: "blue",
    RUST: "rust",
    GREY: "grey",
    GREEN: "green",
    OCHRE: "ochre",
    RED: "red",
}
_COLOUR = re.compile("|".join(NAMES))
_VARIABLE = re.compile(r"var\(--(\w+)\)")


def by_name(style: str) -> str:
    """A style with the names of its colours."""
    return _COLOUR.sub(lambda found: f"var(--{NAMES[found[0]]})", style)


def by_value(page: str) -> str:
    """A page with the colours themselves, as on white paper, for what knows no names."""
    values = {name: colour for colour, name in NAMES.items()}
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), page)
