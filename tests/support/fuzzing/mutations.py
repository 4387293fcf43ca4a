"""Inputs made hostile: bytes, texts, tables and JSON, by a seeded draw; the same draw makes the same input."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

DEEP, DIGITS, NAN, HUGE, TWICE = "@deep@", "@digits@", "@nan@", "@huge@", "@twice@"
"""What stands for JSON that no Python value is written as."""

RAW = {
    DEEP: "[" * 20_000 + "]" * 20_000,
    DIGITS: "9" * 5_000,
    NAN: "NaN",
    HUGE: "1e999",
    TWICE: '{"a": 1, "a": 2}',
}
VALUES: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, 5e-324),
    *("", " ", "x", "maybe", "sideways", "bogus", "\0", "\ud800", "\u202eevil", "\x1b[2J", "a\nb", "x" * 70_000, "NaN"),
    *("../../etc/passwd", "/dev/zero", "1e4", "C0000000000000000", "'; DROP TABLE concepts; --", "{{7*7}}", "é" * 300),
    *([], {}, [[]], [None], ["", 5], {"a": {}}, {"": None}, [{"into": 5}], [{"object_id": 1}], [[1, [2, [3]]]]),
    *RAW,
)
TOKENS = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\x80",
        b'"',
        b"'",
        b",",
        b";",
        b"\t",
        b"|",
        b"\n",
        b"\r",
        b"\r\n",
        b"\\",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"<",
        b">",
        b"&",
        b"&#0;",
        b"]]>",
        b"!!python/object/apply:os.system ['x']",
        b"\x1b]0;x\x07",
    ),
    *(
        b"*a",
        b"&a ",
        b"<<: ",
        b"- ",
        b"? ",
        b"NaN",
        b"1e999",
        b"-1",
        b"9" * 5_000,
        b"\\ud800",
        b"[" * 3_000,
        b"\xed\xa0\x80",
    ),
    *(
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"PAR1",
        b"\x89PNG",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"%s%n",
        b"\xf0\x9f\x98\x80",
    ),
)


def mutated_bytes(draw: Random, data: bytes) -> bytes:
    """Some bytes turned over, taken away, doubled, cut, or something put between them."""
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(data) + 1)
        to = min(len(data), at + draw.choice((1, 2, 4, 16, 64, 400)))
        kind = draw.randrange(7)
        if kind == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[to:]
        elif kind == 2:
            data = data[:at] + data[at:to] * draw.choice((2, 3, 50)) + data[to:]
        elif kind == 3:
            data = data[:at]
        elif kind == 4:
            data = data[:at] + draw.choice(TOKENS) + data[at:]
        elif kind == 5:
            data = data[:at] + draw.choice(TOKENS) + data[to:]
        else:
            data = data[:at] + draw.randbytes(to - at) + data[to:]
    return data


def mutated_value(draw: Random, value: Any) -> Any:
    """A value of JSON with something in it replaced, taken away, doubled, wrapped or called otherwise."""
    value = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(draw.choice(VALUES))
        holder, key = draw.choice(places)
        kind = draw.randrange(8)
        if kind < 4:
            holder[key] = copy.deepcopy(draw.choice(VALUES))  # it may be changed in its turn
        elif kind == 4:
            del holder[key]
        elif kind == 5:
            holder[key] = draw.choice(([holder[key]], {"x": holder[key]}, [holder[key]] * 3, str(holder[key])))
        elif kind == 6 and isinstance(holder, dict):
            holder[draw.choice((f"{key} ", f"{key}2", "", "\ud800", "embedding", key.upper()))] = holder.pop(key)
        else:
            other, at = draw.choice(places)
            holder[key] = (
                copy.deepcopy(other[at]) if at in other or (isinstance(other, list) and at < len(other)) else 0
            )
    return value


def as_json(value: Any, *, indent: int | None = None) -> bytes:
    """A value as JSON, with what no Python value is written as."""
    text = json.dumps(value, indent=indent)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode()


def mutated_table(draw: Random, data: bytes, separator: bytes = b",") -> bytes:
    """A table of text with a cell, a line or a column changed."""
    lines = [line.split(separator) for line in data.split(b"\n")]
    for _ in range(draw.choice((1, 1, 2, 3))):
        line = draw.choice(lines)
        at = draw.randrange(len(line))
        kind = draw.randrange(6)
        if kind < 3:
            line[at] = draw.choice((draw.choice(TOKENS), _cell(draw)))
        elif kind == 3:
            del line[at]
            line += [] if line else [b""]
        elif kind == 4:
            lines.insert(draw.randrange(len(lines)), list(line))
        else:
            line.insert(at, line[at])
    return b"\n".join(separator.join(line) for line in lines)


def _cell(draw: Random) -> bytes:
    return str(draw.choice(VALUES[: -len(RAW)])).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value, however deep: what holds it, and by which key."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict | list):
            keys = list(one) if isinstance(one, dict) else range(len(one))
            found += [(one, key) for key in keys]
            waiting += [one[key] for key in keys]
    return found
