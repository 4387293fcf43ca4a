"""An SVG file of matplotlib as an element of a page: accessible, in the page's colours, with ids of its own."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring
from markupsafe import Markup

from encoder.audit.page.charts.palette import by_name

_FONT = re.compile(r"font(-family)?:\s*[^;]*;?\s*")
_SIZE = re.compile(r"font:[^;]*?([\d.]+)px")
_POINTED = re.compile(r"url\(#([^)]*)\)")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def inline(svg: str, *, name: str, title: str, told: str) -> Markup:
    """The element.

    Args:
        svg: the file, as matplotlib writes it.
        name: what its ids begin with; unique on the page.
        title: what a screen reader says first.
        told: all that it shows, in words.
    """
    read = fromstring(svg)
    _without_namespaces(read)
    drawn = [child for child in read if child.tag != "metadata"]
    for definitions in read.iter("defs"):
        for sheet in definitions.findall("style"):  # it would hold for the whole page
            definitions.remove(sheet)
    _without_air(read)
    pointed = {ref for one in read.iter() for ref in _references(one)}
    for one in (found for child in drawn for found in child.iter()):
        _adapt(one, name, pointed)
    made = Element(
        "svg",
        {
            "viewBox": read.attrib["viewBox"],
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
            "style": "stroke-linejoin: round; stroke-linecap: butt",
        },
    )
    SubElement(made, "title", {"id": f"{name}-title"}).text = title
    SubElement(made, "desc", {"id": f"{name}-desc"}).text = told
    made.extend(drawn)
    # Escaped by the serializer, text and attributes alike.
    return Markup(tostring(made, encoding="unicode"))


def _without_namespaces(root: Element) -> None:
    """HTML knows the elements of SVG, and their links, by their plain names."""
    for one in root.iter():
        one.tag = one.tag.rpartition("}")[2]
        for key in [key for key in one.attrib if "}" in key]:
            one.attrib[key.rpartition("}")[2]] = one.attrib.pop(key)


def _without_air(root: Element) -> None:
    """No blanks between elements, and no groups of nothing."""
    for one in root.iter():
        if not (one.text or "").strip():
            one.text = None
        one.tail = None
        for child in [child for child in one if child.tag in ("g", "defs") and not len(child)]:
            one.remove(child)


def _references(one: Element) -> list[str]:
    links = [one.attrib["href"].removeprefix("#")] if "href" in one.attrib else []
    return links + [ref for value in one.attrib.values() for ref in _POINTED.findall(value)]


def _adapt(one: Element, name: str, pointed: set[str]) -> None:
    """One element with ids of this figure alone, the page's letters, and numbers no longer than they need be."""
    if (given := one.attrib.pop("id", None)) in pointed:
        one.attrib["id"] = f"{name}-{given}"
    for key, value in one.attrib.items():
        if key == "href":
            value = f"#{name}-{value.removeprefix('#')}"
        elif key == "style":
            value = by_name(_letters(value))
        elif key in ("d", "transform", "x", "y"):
            value = _NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value)
        one.attrib[key] = _POINTED.sub(rf"url(#{name}-\1)", value)


def _letters(style: str) -> str:
    """A style that leaves the family of letters to the page."""
    size = _SIZE.search(style)
    kept = _FONT.sub("", style) if "font" in style else style
    return f"font-size: {float(size[1]):g}px; {kept}" if size else kept
