"""What a checkpoint says of itself, checked against `schemas/checkpoint.schema.json`: every field of its kind.

Whole numbers are JSON integers (448, not 448.0 and not true): they count layers and pixels.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from kb.errors import ClearKbError
from kb.reading.json_text import read_json
from kb.reading.shown import shown


def check_facts(told: Any, where: str) -> None:
    """Refuse what no encoder is described by, with a ClearKbError that names the field."""
    from jsonschema.exceptions import best_match

    wrong = best_match(_validator().iter_errors(told))
    if wrong is None:
        return
    field = ".".join(map(str, wrong.absolute_path)) or "the whole of it"
    raise ClearKbError(f"{where} describes no encoder: {field}: {_in_words(wrong)}")


def _in_words(wrong: Any) -> str:
    if wrong.validator in ("required", "additionalProperties"):
        return str(wrong.message)[:200]
    expected = {
        "type": lambda value: f"{' or '.join([value] if isinstance(value, str) else value)} was expected",
        "enum": lambda value: f"one of {', '.join(value)} was expected",
        "const": lambda value: f"{value} was expected",
        "minimum": lambda value: f"{value} or more was expected",
        "maximum": lambda value: f"{value:,} or less was expected",
        "exclusiveMinimum": lambda value: f"more than {value} was expected",
    }
    say = expected.get(wrong.validator)
    return f"{shown(wrong.instance)}{': ' + say(wrong.validator_value) if say else ' is no value of it'}"


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def is_whole(_: Any, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    strict = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_whole))
    schema: dict[str, Any] = read_json((files("schemas") / "checkpoint.schema.json").read_text(encoding="utf-8"))
    return strict(schema)
