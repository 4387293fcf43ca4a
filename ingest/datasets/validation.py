"""A description against its schema: every mistake by the line that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from kb.errors import UsageError
from kb.reading.json_text import read_json
from kb.reading.yaml_text import read_yaml_nodes

SHOWN = 10
"""Mistakes that are told at once."""

Where = Sequence[str | int]
"""The way to a value: keys, and places in lists."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The description that a file holds, as plain data.

    Raises:
        UsageError: there is no such file, it is no YAML, or no description; every mistake is told by its line.
    """
    root, told = read_yaml_nodes(path)
    mistakes = sorted(set(_faults(root, told)))
    if mistakes:
        lines = [f"line {line}: {what}" for line, what in mistakes[:SHOWN]]
        more = f"; and {len(mistakes) - SHOWN} more" if len(mistakes) > SHOWN else ""
        raise UsageError(f"{path} describes no data set: {'; '.join(lines)}{more}")
    assert isinstance(told, dict)
    return told


@lru_cache(1)
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = read_json(files("schemas").joinpath("dataset.schema.json").read_text(encoding="utf-8"))
    return schema


def _faults(root: yaml.Node | None, told: Any) -> Iterator[tuple[int, str]]:
    for error in Draft202012Validator(_schema()).iter_errors(told):
        yield from _fault(root, error)
    if isinstance(told, dict) and isinstance(images := told.get("images"), dict):
        try:
            re.compile(str(images.get("place", "")))
        except re.error as error:
            yield _line(root, ("images", "place")), f"place is no regular expression: {error}"
        yield from _imageless(root, images)


def _imageless(root: yaml.Node | None, images: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Tables that would name no image."""
    for kind in ("tables", "more"):
        for at, table in enumerate(entries if isinstance(entries := images.get(kind), list) else ()):
            if isinstance(table, dict) and table.get("format") != "list" and "image" not in table:
                yield _line(root, ("images", kind, at)), "a table of images needs 'image', the column that names them"


def _fault(root: yaml.Node | None, error: ValidationError) -> Iterator[tuple[int, str]]:
    if error.context:
        error = best_match(error.context) or error
    where = tuple(error.absolute_path)
    name = ".".join(map(str, where)) or "the description"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = _parts(error).get("properties", {})
        for key in error.instance:
            if key not in known:
                yield _line(root, (*where, key)), f"there is no '{key}' in {name}: choose one of {', '.join(known)}"
        return
    if error.validator == "required":
        needed: Any = error.validator_value
        there: Any = error.instance
        missing = [key for key in needed if key not in there]
        yield _line(root, where), f"{name} needs {', '.join(missing)}"
    elif error.validator == "enum":
        words: Any = error.validator_value
        yield _line(root, where), f"{name} is '{error.instance}': choose one of {', '.join(words)}"
    else:
        yield _line(root, where), f"{name}: {error.message}"


def _parts(error: ValidationError) -> dict[str, Any]:
    return dict(error.schema) if isinstance(error.schema, dict) else {}


def _line(root: yaml.Node | None, where: Iterable[str | int]) -> int:
    """The line of a value, or of the nearest thing around it that is there."""
    node, line = root, 1
    for step in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
