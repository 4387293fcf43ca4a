"""The parts of WITH in a parsed query: which names stand for them at which place, and what they come to written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = dict[str, Any]
Names = Mapping[str, int]
"""The parts that can be named at one place, each with how many relations it comes to."""


def walk(tree: Any) -> tuple[list[tuple[Node, Names]], int]:
    """Every object of a parsed query with the parts of WITH that can be named there.

    A name counts where SQL lets it: in the query that WITH stands before, and in the parts after its own; in its own
    only where that is recursive. Anywhere else the same name would mean a table of the database.

    Returns:
        The objects, and how many relations the query comes to once every part stands where it is named.
    """
    found: list[tuple[Node, Names]] = []
    return found, _inside(tree, {}, found)


def _inside(tree: Any, outside: Names, found: list[tuple[Node, Names]]) -> int:
    size = 0
    waiting: list[tuple[Any, Names]] = [(tree, outside)]
    while waiting:  # not by recursion, but for parts in parts: a query may be nested deeper than Python's stack
        node, here = waiting.pop()
        if isinstance(node, list):
            waiting.extend((item, here) for item in node)
        if not isinstance(node, dict):
            continue
        for name, part in _parts_of(node):
            here = {**here, name: max(_inside(part, here, found), 1)}
        if node.get("type") == "RECURSIVE_CTE_NODE":
            here = {**here, str(node.get("cte_name")).lower(): 1}
        if node.get("type") == "BASE_TABLE":
            size += here.get(str(node.get("table_name")).lower(), 1)
        found.append((node, here))
        waiting.extend((value, here) for key, value in node.items() if key != "cte_map")
    return size


def _parts_of(node: Node) -> Iterator[tuple[str, Any]]:
    """The parts that WITH gives to a query, by their names."""
    for entry in (node.get("cte_map") or {}).get("map", ()):
        yield str(entry.get("key")).lower(), entry.get("value")
    if node.get("type") == "CTE_NODE":  # WITH as some versions write it
        yield str(node.get("cte_name")).lower(), node.get("query")
