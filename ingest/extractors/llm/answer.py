"""An answer of a language model, read: JSON of the agreed schema, or what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from kb.reading.json_text import read_json
from kb.reading.unreadable import Unreadable
from schemas.terms import Assertion, Certainty, Temporality

Fault = Literal["loops", "truncated", "invalid", "refused_requests"]

_LOOP = re.compile(r"(\S.{7,299}?)\1{3,}", re.DOTALL)
_THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?\s*(\{.*?\})\s*```", re.DOTALL)
_READ_FOR_LOOPS = 6_000
"""The characters at the end of a broken answer that are searched for a loop: it goes on until the answer is cut."""


@dataclass(frozen=True, slots=True)
class Said:
    """One statement of the answer, as it was made."""

    section: str
    quote: tuple[str, ...]
    assertion: Assertion
    certainty: Certainty
    temporality: Temporality
    observation: str = ""
    """What is quoted, in English; empty where it is."""


class BadAnswer(Exception):
    """An answer that cannot be used; `fault` tells the kind, by the name that `Usage` counts it under."""

    def __init__(self, fault: Fault, message: str):
        super().__init__(message)
        self.fault: Fault = fault


@cache
def answer_schema() -> dict[str, Any]:
    """The JSON Schema that answers are constrained to, and checked by."""
    schema: dict[str, Any] = read_json((files("schemas") / "llm_answer.schema.json").read_text(encoding="utf-8"))
    return schema


def read_answer(content: object, finish_reason: str | None) -> list[Said]:
    """The statements of an answer about one report.

    Raises:
        BadAnswer: it repeats itself until it was cut off, was cut off, is no JSON or not of the schema.
    """
    return _statements(_json(content, finish_reason))


def read_answers(content: object, finish_reason: str | None) -> dict[str, list[Said]]:
    """The statements of an answer about several reports, by the id of each; what is answered twice is left out.

    Raises:
        BadAnswer: as of `read_answer`.
    """
    answer = _json(content, finish_reason)
    entries = answer.get("reports") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise BadAnswer("invalid", "the answer is not of the schema: it has no list of reports")
    ids = [str(one.pop("report", "")) for one in entries]
    return {of: _statements(one) for of, one in zip(ids, entries, strict=True) if ids.count(of) == 1}


def _json(content: object, finish_reason: str | None) -> Any:
    if content is not None and not isinstance(content, str):
        raise BadAnswer("invalid", f"the answer is no text but {type(content).__name__}")
    text = _bare(content or "")
    if finish_reason == "length":
        if loop := _loop(text):
            raise BadAnswer("loops", f"the answer repeats {loop!r} until it was cut off")
        raise BadAnswer(
            "truncated", f"the answer was cut off after {len(text):,} characters: allow more tokens (max_tokens)"
        )
    try:
        return read_json(text)
    except Unreadable as error:
        if loop := _loop(text):
            raise BadAnswer("loops", f"the answer repeats {loop!r} and is no JSON") from error
        what = "is empty" if not text.strip() else f"is no JSON ({error})"
        raise BadAnswer("invalid", f"the answer {what}") from error


def _statements(answer: Any) -> list[Said]:
    found = answer.get("observations") if isinstance(answer, dict) else None
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            one.setdefault("observation", "")  # an endpoint that is not held to the schema may leave it out
    if wrong := next(_validator().iter_errors(answer), None):
        where = "/".join(map(str, wrong.absolute_path)) or "the answer"
        raise BadAnswer("invalid", f"the answer is not of the schema: {where}: {wrong.message[:200]}")
    return [Said(**{**one, "quote": tuple(one["quote"])}) for one in answer["observations"]]


def _bare(text: str) -> str:
    """An answer without the fence, the thinking and the politeness that some models leave around it."""
    text = _THOUGHT.sub("", text, count=1)
    fenced = _FENCED.search(text)
    return fenced[1] if fenced else text


def _loop(text: str) -> str | None:
    """What is repeated over and over at the end of `text`, shortened."""
    match = _LOOP.search(text[-_READ_FOR_LOOPS:])
    return " ".join(match[1].split())[:80] if match else None


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(answer_schema())
