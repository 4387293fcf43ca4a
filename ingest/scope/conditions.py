"""A condition over the columns of a source: `modality = 'CT' AND NOT status IN ('draft', 'cancelled')`.

The grammar is the WHERE of SQL without functions: comparisons, [NOT] IN, [NOT] LIKE (also ILIKE), [NOT] BETWEEN,
IS [NOT] NULL, AND, OR, NOT, parentheses. It is read here and not by a database, for each report is judged where it
stands in the stream, and a condition can reach nothing but its row.

As in SQL, a blank cell is neither equal nor unequal to anything. Against a number a cell is compared as a number, and
one that is none ("85 or more") as if it were blank; against a text it is compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kb.errors import UsageError

Truth = bool | None
"""None is unknown: a cell that the condition needs is blank."""

Row = Mapping[str, Any]

_TOKEN = re.compile(
    r"\s+|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")+\")|(?P<number>[-+]?\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<word>[^\W\d]\w*(?:[.\-]\w+)*)|(?P<sign><=|>=|<>|!=|==|=|<|>|\(|\)|,)"
)
_WORDS = frozenset(["and", "or", "not", "in", "like", "ilike", "is", "null", "between"])
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_SPELLINGS = {"==": "=", "<>": "!="}
DEEPEST = 50
"""Parentheses and NOTs within one another: more are a mistake, or an attack."""


@dataclass(frozen=True)
class Condition:
    """A condition that was read: what it says, and the columns it asks about."""

    text: str
    columns: tuple[str, ...]
    _judge: Callable[[Row], Truth]

    def __call__(self, row: Row) -> Truth:
        """Whether it holds of a row; None where a blank cell leaves that open."""
        return self._judge(row)


class _Token(NamedTuple):
    kind: str
    value: Any
    at: int


def read_condition(text: str) -> Condition:
    """Read a condition.

    Raises:
        UsageError: it is none, with the place where it stops being one.
    """
    return _Reader(text).condition()


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(text, at, "this is no part of a condition")
        kind, said = match.lastgroup, match.group()
        if kind == "text":
            yield _Token("literal", said[1:-1].replace("''", "'"), at)
        elif kind == "number":
            yield _Token("literal", float(said), at)
        elif kind == "quoted":
            yield _Token("column", said[1:-1].replace('""', '"'), at)
        elif kind == "word":
            yield _Token(said.lower(), said, at) if said.lower() in _WORDS else _Token("column", said, at)
        elif kind == "sign":
            yield _Token(_SPELLINGS.get(said, said), said, at)
        at = match.end()
    yield _Token("end", "", len(text))


def _wrong(text: str, at: int, why: str) -> UsageError:
    where = f"from `{text[at : at + 20].strip()}` on" if text[at:].strip() else "at its end"
    example = "modality = 'CT' AND age > 60"
    return UsageError(f"the condition `{text}` cannot be read {where}: {why}; it is written like `{example}`")


class _Reader:
    """Reads one condition, by recursive descent."""

    def __init__(self, text: str):
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0
        self._columns: dict[str, None] = {}

    def condition(self) -> Condition:
        judge = self._either()
        if self._next.kind != "end":
            raise self._error("something is left over")
        return Condition(self._text.strip(), tuple(self._columns), judge)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _error(self, why: str) -> UsageError:
        return _wrong(self._text, self._next.at, why)

    def _take(self, *kinds: str) -> _Token | None:
        token = self._next
        if token.kind not in kinds:
            return None
        self._at += 1
        return token

    def _need(self, kind: str, why: str) -> Any:
        token = self._take(kind)
        if token is None:
            raise self._error(why)
        return token.value

    def _either(self) -> Callable[[Row], Truth]:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: _or([part(row) for part in parts])

    def _both(self) -> Callable[[Row], Truth]:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        # NOT (a AND b) is NOT a OR NOT b, and so the other way round.
        return parts[0] if len(parts) == 1 else lambda row: _not(_or([_not(part(row)) for part in parts]))

    def _one(self) -> Callable[[Row], Truth]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} parentheses within one another")
        try:
            if self._take("not"):
                denied = self._one()
                return lambda row: _not(denied(row))
            if self._take("("):
                inner = self._either()
                self._need(")", "a parenthesis is not closed")
                return inner
            return self._test(self._need("column", "the name of a column was expected"))
        finally:
            self._depth -= 1

    def _test(self, column: str) -> Callable[[Row], Truth]:
        self._columns[column] = None
        if self._take("is"):
            denied = self._take("not") is not None
            self._need("null", "IS is followed by NULL or NOT NULL")
            return lambda row: (_cell(row, column) is None) != denied
        if sign := self._take(*_COMPARE):
            return _comparison(column, sign.kind, self._literal())
        denied = self._take("not") is not None
        test = self._set_test(column)
        return (lambda row: _not(test(row))) if denied else test

    def _set_test(self, column: str) -> Callable[[Row], Truth]:
        if self._take("in"):
            self._need("(", "IN is followed by a list in parentheses")
            tests = [_comparison(column, "=", self._literal())]
            while self._take(","):
                tests.append(_comparison(column, "=", self._literal()))
            self._need(")", "the list is not closed")
            return lambda row: _or([test(row) for test in tests])
        if self._take("between"):
            low = _comparison(column, ">=", self._literal())
            self._need("and", "BETWEEN is followed by two values with AND between them")
            high = _comparison(column, "<=", self._literal())
            return lambda row: _not(_or([_not(low(row)), _not(high(row))]))
        if like := self._take("like", "ilike"):
            return _likeness(column, str(self._need("literal", "a pattern was expected")), like.kind == "ilike")
        raise self._error("a comparison, IN, LIKE, BETWEEN or IS NULL was expected")

    def _literal(self) -> str | float:
        value: str | float = self._need("literal", "a text in single quotes or a number was expected")
        return value


def _or(parts: Sequence[Truth]) -> Truth:
    return True if any(parts) else None if None in parts else False


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _cell(row: Row, column: str) -> Any:
    """What a cell holds, None where it is blank."""
    value = row[column]
    return None if value is None or value != value or (isinstance(value, str) and not value.strip()) else value


def _comparison(column: str, sign: str, literal: str | float) -> Callable[[Row], Truth]:
    compare, read = _COMPARE[sign], _number if isinstance(literal, float) else _text

    def judge(row: Row) -> Truth:
        value = read(_cell(row, column))
        return None if value is None else compare(value, literal)

    return judge


def _likeness(column: str, pattern: str, any_case: bool) -> Callable[[Row], Truth]:
    flags = re.DOTALL | (re.IGNORECASE if any_case else 0)
    parts = [
        re.compile("".join("." if sign == "_" else re.escape(sign) for sign in part), flags)
        for part in pattern.split("%")
    ]

    def judge(row: Row) -> Truth:
        value = _text(_cell(row, column))
        return None if value is None else _is_like(value, parts)

    return judge


def _is_like(value: str, parts: Sequence[re.Pattern[str]]) -> bool:
    """Whether `value` is `parts` with anything between them.

    Each part is looked for from where the one before it ends, which finds a way wherever there is one; one expression
    with `.*` between them would try all ways, and a cell may be a whole report.
    """
    first, *others = parts
    if not others:
        return first.fullmatch(value) is not None
    found = first.match(value)
    for part in others[:-1]:
        found = found and part.search(value, found.end())
    if found is None:
        return False
    # A part has as many characters as its expression matches: the last one stands at the very end.
    last = others[-1]
    length = len(re.sub(r"\\(.)", r"\1", last.pattern, flags=re.DOTALL))
    return found.end() <= len(value) - length and last.fullmatch(value, len(value) - length) is not None


def _number(value: Any) -> float | None:
    try:
        number = None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if number is None or number != number else number


def _text(value: Any) -> str | None:
    """A cell as text without the blanks around it; a whole number without ".0"."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
