"""XML, read without what a document may define for itself: entities are refused, and nothing outside is fetched."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from kb.errors import UsageError
from kb.reading.regular_file import open_regular
from kb.reading.unreadable import DEPTH, Unreadable

DEEPEST = 8 * DEPTH
"""Elements that may stand in one another: what takes a tree of them apart does so by recursion."""


def read_xml(data: bytes) -> Element:
    """The root of a document.

    Raises:
        Unreadable: it is no XML, of an encoding that nobody knows, nested too deep, or defines entities.
    """
    try:
        root: Element = fromstring(data)
    except DefusedXmlException as error:
        raise Unreadable(_defines(error)) from error
    except (ParseError, LookupError, ValueError, RecursionError) as error:  # LookupError: an unknown encoding
        raise Unreadable(str(error)) from error
    level = [root]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in one]
        if not level:
            return root
    raise Unreadable(f"its elements stand in one another more than {DEEPEST} deep")


def require_plain_xml(path: Path) -> None:
    """Refuse a file of XML that another reader could be led astray by, before that one opens it.

    Raises:
        UsageError: as of `read_xml`; the message names the file.
    """
    depth = 0
    try:
        with open_regular(path) as file:
            for event, element in iterparse(file, events=("start", "end")):
                depth += 1 if event == "start" else -1
                if depth > DEEPEST:
                    raise Unreadable(f"its elements stand in one another more than {DEEPEST} deep")
                if event == "end":
                    element.clear()
    except DefusedXmlException as error:
        raise UsageError(f"{path} cannot be read: {_defines(error)}") from error
    except (ParseError, LookupError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no XML that can be read: {error}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _defines(error: DefusedXmlException) -> str:
    return f"it defines entities or refers to a file outside ({type(error).__name__}); save it without"
