"""Predication: subjects with what is said of them, as the observations they make together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.language.grammar.clauses import specified
from kb.language.grammar.coordination import SEPARATORS, conjuncts, predicates
from kb.language.grammar.places import adds_a_place
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import (
    PREPOSITIONS,
    STATES,
    is_adverb,
    named_in,
    names_device,
    names_finding,
    only_compares,
    trimmed,
    words_said,
)
from kb.language.lexicon import load_lexicon


def observations(
    body: Sequence[Token],
    subject: Sequence[Token] | None = None,
    carried: Sequence[Token] = (),
    *,
    heads_line: bool = False,
) -> Iterator[list[Token]]:
    """The observations of one statement, each as its tokens.

    Args:
        body: what is said.
        subject: what it is said of; None if the clause has no verb that would tell.
        carried: where the first of the things that are said is ("the lungs are free of ...").
        heads_line: whether the subject heads a line of a template.
    """
    predicate = body
    if subject is None:
        subject, predicate = _state_at_end(body) if not carried else (None, body)
    if subject is not None:
        yield from _paired(subject, predicate, heads_line)
        return
    for at, part in enumerate(conjuncts(body)):
        places = conjuncts(carried) if carried and at == 0 else []
        yield from ([*place, *part] for place in places)
        if not places:
            yield part


def is_choice(body: Sequence[Token]) -> bool:
    """Whether what is affirmed is one of several findings, and not known which: "atelectasis or scar"."""
    words = [token.lower for token in body]
    if "or" not in words or not _JOINING.isdisjoint(words):
        return False
    parts = conjuncts(body)
    return len(parts) > 1 and all(names_finding(part) for part in parts)


_JOINING = frozenset(["and", "&", "without", "with", "no", "not", "either"]) - {"either"}


def end_of_denial(body: Sequence[Token]) -> int | None:
    """Where a denied list goes over into what is there: "no effusion, heart normal", "no effusion, mild edema".

    An item after a comma is there where it is a subject with its state, or is told as one only tells what is there (its
    side, size, measure or age, a device after findings, a normal state) and the list does not go on. It goes on with
    "or", and after something large of which no side is told with "/" or one more bare item ("large
    effusion/pneumothorax": nobody would find it without saying where). After "and" only a size that is not large, a
    measure or a device says so. None if all is denied.
    """
    lexicon = load_lexicon()
    for at, token in enumerate(body):
        if token.lower not in (",", "and"):
            continue
        following = list(body[at + 1 :])
        if token.lower == "," and following and following[0].lower in ("and", "but"):
            continue
        item = following[: next((i for i, one in enumerate(following) if one.lower in (",", ";")), len(following))]
        words = [one.lower for one in item if one.is_word]
        if not words or any(one.lower in ("or", "nor", "and/or") for one in following):
            continue
        sided = any(word in lexicon.sides for word in words)
        if _is_large(words) and not sided and _goes_on(item, following):
            continue
        if token.lower == "and":
            small = words[0] in lexicon.severities and not _is_large(words)
            if (small or words[0][0].isdigit() or _other_device(body[:at], item)) and names_finding(item):
                return at + 1
            continue
        if (specified(item) and names_finding(item)) or _state_at_end(item)[0] is not None or _is_normal(item):
            return at + 1
        if _other_device(body[:at], item):
            return at + 1
    return None


def _other_device(before: Sequence[Token], item: Sequence[Token]) -> bool:
    """Whether a device follows findings in a list: "no pneumothorax, chest tube in place"."""
    return names_device(item) and not names_device(before)


def _is_normal(item: Sequence[Token]) -> bool:
    return any(hit.kind == "normal" for hit in named_in(words_said(item)))


def _is_large(words: Sequence[str]) -> bool:
    """Whether an item begins with a size that is as good as always denied in a list ("no ..., large effusion")."""
    return load_lexicon().severities.get(words[0]) in _LARGE


def _goes_on(item: Sequence[Token], following: Sequence[Token]) -> bool:
    """Whether a list goes on in its sized item ("large effusion/pneumothorax"), or in a bare one after it."""
    if any("/" in token.lower for token in item):
        return True
    rest = trimmed(following[len(item) :])
    return (
        bool(rest)
        and rest[0].lower not in load_lexicon().severities
        and names_finding(rest)
        and _state_at_end(rest)[0] is None
    )


def _paired(subject: Sequence[Token], predicate: Sequence[Token], heads_line: bool) -> Iterator[list[Token]]:
    """Every subject with everything that is said of it; if nothing is said, the subjects alone.

    The subject of a line of a template (`heads_line`) is left out if a value is complete without it.
    """
    subjects = conjuncts(subject) or ([[]] if names_finding(predicate) else [])  # "patient is a large effusion"
    said = [] if only_compares(predicate) else predicates(predicate)
    said = [part for part in said if not only_compares(part)]
    if said and said[0][0].lower in PREPOSITIONS:
        said = [trimmed(predicate)]
    if heads_line and not names_finding(subject):
        complete = [part for part in said if names_finding(part)]
        said = [part for part in said if part not in complete]
        for part in complete:
            yield part  # "Bones: old rib fractures": the value says it all
        if complete and not said:
            return
    others = [part for part in said[1:] if names_finding(part)]
    said = [part for part in said if part not in others and (adds_a_place(part) or not _is_manner(part))]
    yield from others  # "the heart is enlarged, aortic sclerosis"
    for one in subjects:
        named = any(token.is_word for token in one)
        for part in said:
            if named or names_finding(part):  # "XXXX are normal" says nothing, "XXXX are osteopenic" does
                yield [*one, *part]
        if not said:
            yield one


def _is_manner(part: Sequence[Token]) -> bool:
    """Whether a part only says how ("incidentally")."""
    return all(is_adverb(token.lower) for token in part if token.is_word)


def _state_at_end(tokens: Sequence[Token]) -> tuple[Sequence[Token] | None, Sequence[Token]]:
    """Subject and state of a clause without a verb: "heart and mediastinum normal", "lungs clear"."""
    words = [token for token in tokens if token.is_word]
    if not words or (not load_lexicon().anatomy.exactly([words[0].lower]) and words[0].lower not in _SUBJECTS):
        return None, []
    for at, token in enumerate(tokens):
        if at and token.lower in STATES and tokens[at - 1].lower not in SEPARATORS | {"more", "less", "most"}:
            return list(tokens[:at]), list(tokens[at:])
    return None, []


_LARGE = frozenset(["large", "massive", "huge", "gross", "significant", "considerable", "extensive", "marked"])
_SUBJECTS = frozenset(["heart", "lungs", "cardiac", "mediastinum", "cardiomediastinal", "pulmonary", "bony", "osseous"])
