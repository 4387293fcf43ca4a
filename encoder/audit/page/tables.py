"""Tables: each in a container of its own that scrolls, with a caption, and headers that say what they head."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.page.markup import Html, join, tag, text


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, texts: Sequence[int] = ()) -> Html:
    """A table; the first cell of a row heads it. Columns stand right as numbers do, but for the first and `texts`."""
    left = {0, *texts}
    head = tag("tr", *(tag("th", name, scope="col", class_=_side(at, left)) for at, name in enumerate(columns)))
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell, class_=_side(at, left)) for at, cell in enumerate(row[1:], start=1)),
        )
        for row in rows
    ]
    made = tag("table", tag("caption", tag("span", caption)), tag("thead", head), tag("tbody", *body))
    return tag("div", made, class_="scroll", role="region", tabindex=0, aria_label=f"Table: {caption}")


def _side(at: int, left: set[int]) -> str:
    return "words" if at in left else "number"


def over(value: str, beneath: str) -> Html:
    """A number (or name) with its interval (or kind) on a line of its own beneath."""
    return join([value, tag("span", beneath, class_="under")]) if beneath else text(value)


def folded(summary: str, *children: object) -> Html:
    """What is folded away until somebody asks for it; print shows it."""
    return tag("details", tag("summary", summary), *children)


def notes(told: Sequence[str]) -> Html | None:
    """Notes on how to read what stands above, or on what is missing."""
    return tag("ul", *(tag("li", note) for note in told), class_="notes") if told else None


def missing(why: str) -> Html:
    """What stands in place of a part that could not be made."""
    return tag("p", why, class_="missing")
