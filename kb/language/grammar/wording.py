"""The small words of report English: what is left out of an observation, and what cannot stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files

from kb.language.grammar.tokens import Token
from kb.language.lexicon import Match, content_words, fold, load_lexicon


def _load() -> dict[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    for line in (files("kb.language.grammar") / "words.tsv").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, words = line.split("\t")
            lists.setdefault(name, set()).update(words.split())
    return {name: frozenset(words) for name, words in lists.items()}


WORDS = _load()
FINGERPRINT = blake2b(repr(sorted((k, sorted(v)) for k, v in WORDS.items())).encode(), digest_size=4).hexdigest()
"""Changes with the lists."""

CACHED_PHRASES = 50_000

ARTICLES = WORDS["articles"]
PREPOSITIONS = WORDS["prepositions"]
CONJUNCTIONS = WORDS["conjunctions"]
FILLERS = WORDS["fillers"]
STATES = WORDS["states"]
TECHNIQUE = WORDS["technique"]
JOINED_NOUNS = WORDS["joined_nouns"]
MODIFIER_ENDINGS = ("al", "ic", "ous", "ive", "ed", "ar", "oid", "less", "ary", "ine")

_CLOSING_FILLERS = FILLERS - STATES - WORDS["kept_right"]


def trimmed(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` without articles, fillers, conjunctions and punctuation at either edge."""
    start, end = 0, len(tokens)
    while start < end and _drops_left(tokens[start], tokens[start + 1] if start + 1 < end else None):
        start += 1
    while end > start and _drops_right(tokens[end - 1]):
        end -= 1
    return list(tokens[start:end])


def without_closing_fillers(text: str) -> str:
    """A text without what is said at its end of its being seen ("small effusion seen"), if it names a finding.

    Of other words ("upper lobe depicted") none is known to be only that.
    """
    words = text.rstrip(" .").split()
    while len(words) > 1 and words[-1].lower() in _CLOSING_FILLERS:
        words.pop()
    said = " ".join(words)
    return said if found_in(said) else text


def unchanged_words(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` without words of change, and how much it was ("slightly"), unless it is a neutral thing that changed."""
    if any(token.lower in WORDS["changeable"] for token in tokens):
        return list(tokens)
    kept: list[Token] = []
    for at, token in enumerate(tokens):
        at_end = not any(later.is_word for later in tokens[at + 1 :])
        if token.lower in WORDS["changes"] or (at_end and kept and token.lower in WORDS["changes_at_end"]):
            while kept and is_adverb(kept[-1].lower):
                kept.pop()
        else:
            kept.append(token)
    return kept


def only_compares(tokens: Sequence[Token]) -> bool:
    """Whether a predicate says no more than that something is as it was, or that it is seen."""
    return all(
        not t.is_word or t.lower in WORDS["comparing"] or t.lower in FILLERS or t.lower in ARTICLES for t in tokens
    )


def words_said(tokens: Sequence[Token]) -> str:
    """The words of `tokens`, as the lexicon reads them."""
    return " ".join(token.lower for token in tokens if token.is_word)


def observes(tokens: Sequence[Token]) -> bool:
    """Whether the words name something that can be true or false of an image, rather than a place alone."""
    text = words_said(tokens)
    if any(token.lower in WORDS["views"] for token in tokens):
        return found_in(text) != ()  # "a single AP view of the chest" is no observation
    return _observes(text)


@lru_cache(CACHED_PHRASES)
def found_in(text: str) -> tuple[Match, ...]:
    """The findings, devices and normal statements that a phrase names, in order: phrases come again and again."""
    return tuple(load_lexicon().find(text))


def names_finding(tokens: Sequence[Token]) -> bool:
    """Whether the words name a finding, device or normal statement of the lexicon."""
    return bool(found_in(words_said(tokens)))


def names_thing(tokens: Sequence[Token]) -> bool:
    """Whether the words name a finding or a device, which is there or not, and not a structure or its normal state."""
    return "thing" in _kinds_named(words_said(tokens))


@lru_cache(CACHED_PHRASES)
def _kinds_named(text: str) -> frozenset[str]:
    found = found_in(load_lexicon().written_out(text))
    kinds = {"thing" for match in found if match.kind != "normal"}
    return frozenset(kinds | {"device" for match in found if match.kind == "device" or match.label in _ALSO_DEVICES})


_ALSO_DEVICES = frozenset(["tube", "catheter"])


def names_device(tokens: Sequence[Token]) -> bool:
    """Whether the words name a device."""
    return "device" in _kinds_named(words_said(tokens))


def is_technique(tokens: Sequence[Token]) -> bool:
    """Whether the words speak of a study ("lateral view") rather than of what it shows."""
    return any(token.lower in TECHNIQUE for token in tokens)


@cache
def is_adverb(word: str) -> bool:
    """Whether a word only says how ("slightly"); "cardiomegaly" names a finding."""
    return word.endswith("ly") and not found_in(word)


@cache
def is_modifier(word: str) -> bool:
    """Whether a word only describes what follows it ("acute", "pleural"): it heads nothing by itself."""
    if word in WORDS["not_modifiers"]:
        return False
    if word in WORDS["modifiers"] or word in load_lexicon().severities or word in load_lexicon().sides:
        return True
    return word.endswith(MODIFIER_ENDINGS) and load_lexicon().canonical(word) is None


def _drops_left(token: Token, after: Token | None = None) -> bool:
    if token.lower == "well" and after is not None and after.lower not in FILLERS and after.lower not in (".", ","):
        return False  # "well expanded" is said of lungs, "well seen" of a picture
    return (
        not (token.is_word or token.removed)
        or token.lower in ARTICLES
        or token.lower in FILLERS
        or token.lower in CONJUNCTIONS
        or token.lower in ("of", "for")
    )


def _drops_right(token: Token) -> bool:
    if token.lower in WORDS["kept_right"]:
        return False
    return _drops_left(token) or (token.lower in PREPOSITIONS)


def _observes(text: str) -> bool:
    lexicon = load_lexicon()
    words = content_words(text)
    if any(True for _ in lexicon.findings.find(words)):
        return True
    places = {at for match in lexicon.anatomy.find(words) for at in range(match.first, match.last)}
    rest = [word.folded for at, word in enumerate(words) if at not in places]
    if not places and all(word in WORDS["motions"] for word in rest):
        return False  # "no progression"
    if "size" in rest and any(word in lexicon.severities for word in rest):
        return True  # "borderline heart size"
    return any(
        len(word) > 1 and word not in _NEUTRAL_FOLDED and word not in lexicon.sides and word not in lexicon.severities
        for word in rest
    )


_NEUTRAL_FOLDED = frozenset(fold(word) for word in WORDS["neutral"] | FILLERS | WORDS["comparing"])
