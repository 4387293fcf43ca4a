"""YAML, read as plain data and within bounds: how deep it is, how much its references make of it, no name twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kb.errors import UsageError
from kb.reading.json_text import DIGITS
from kb.reading.regular_file import read_text
from kb.reading.unreadable import DEPTH

MOST = 8 << 20
"""Bytes of a file: nobody writes more by hand."""

NODES = 200_000
"""Values that a document may hold, those counted again that a reference (*name) repeats."""


def read_yaml_file(path: Path) -> Any:
    """The value that a file of YAML tells; None if it is empty.

    Raises:
        UsageError: there is no such file, it is no YAML, or beyond a bound; the message says in which line.
    """
    return read_yaml_nodes(path)[1]


def read_yaml_nodes(path: Path) -> tuple[yaml.Node | None, Any]:
    """The same, and before it the nodes that the value is made of: they know their lines.

    Raises:
        UsageError: as of `read_yaml_file`.
    """
    return _read(read_text(path, most=MOST), str(path))


def read_yaml(text: str, where: str) -> Any:
    """The value that a text of YAML tells; `where` is what a message calls it.

    Raises:
        UsageError: it is no YAML, or beyond a bound; the message says in which line.
    """
    return _read(text, where)[1]


def read_yaml_names(path: Path) -> dict[str, Any]:
    """The names and values of a file; none if it is empty.

    Raises:
        UsageError: as of `read_yaml_file`, or it holds something else.
    """
    told = read_yaml_file(path)
    if told is None:
        return {}
    if not isinstance(told, Mapping):
        raise UsageError(f"{path} holds no names and values: names and their values were expected")
    return {str(name): value for name, value in told.items()}


def _read(text: str, where: str) -> tuple[yaml.Node | None, Any]:
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:  # a character that YAML knows nothing of
        raise _refused(where, error) from error
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # ValueError and the like: what stands for a number or a date, and is none (2001-99-99).
        raise _refused(where, error, loader.made_in) from error
    finally:
        loader.dispose()


def _refused(where: str, error: BaseException, line: int | None = None) -> UsageError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    number = mark.line + 1 if mark is not None else line
    at = "" if number is None else f", line {number}"
    what = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
    return UsageError(f"{where}{at}: it is no YAML that can be read: {what}")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which knows no bounds, with bounds."""

    def __init__(self, text: str):
        super().__init__(text)
        self._level = 0
        self._sizes: dict[int, tuple[int, int]] = {}
        """By node that was read to its end: how many values it stands for, and how deep it goes."""
        self.made_in: int | None = None
        """The line of what was made last."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node, and what stands in it."""
        repeated = self.check_event(yaml.AliasEvent)
        mark = self.peek_event().start_mark
        self._level += 1
        if self._level > DEPTH:
            raise yaml.MarkedYAMLError(problem=f"it is nested more than {DEPTH} deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._level -= 1
        if repeated:
            if id(node) not in self._sizes:
                raise yaml.MarkedYAMLError(problem="a reference leads to what it stands in", problem_mark=mark)
            return node
        parts = [self._sizes[id(part)] for part in _parts(node)]
        size, depth = 1 + sum(one for one, _ in parts), 1 + max((one for _, one in parts), default=0)
        if size > NODES:
            raise yaml.MarkedYAMLError(problem=f"its references make more than {NODES:,} values", problem_mark=mark)
        if depth > DEPTH:
            raise yaml.MarkedYAMLError(problem=f"it is nested more than {DEPTH} deep", problem_mark=mark)
        self._sizes[id(node)] = size, depth
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """What a node stands for."""
        self.made_in = node.start_mark.line + 1
        if node.tag == "tag:yaml.org,2002:int" and isinstance(node, yaml.ScalarNode) and len(node.value) > DIGITS:
            problem = f"a number of {len(node.value):,} digits"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return super().construct_object(node, deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """The names and values of a node; a name that stands twice is refused, where YAML takes the last."""
        if isinstance(node, yaml.MappingNode):
            met: set[tuple[str, str]] = set()
            for key, _ in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
                if name is not None and name in met and key.tag != "tag:yaml.org,2002:merge":
                    problem = f"'{key.value[:60]}' stands there twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                met |= set() if name is None else {name}
        return super().construct_mapping(node, deep)


def _parts(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
