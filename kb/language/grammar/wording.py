"""The small words of report English: what is left out of an observation, and what cannot stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files

from kb.language.grammar.tokens import Token
from kb.language.lexicon import Hit, Match, fold, folded_words, load_lexicon


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
_DROPS_LEFT = ARTICLES | FILLERS | CONJUNCTIONS | {"of", "for"}
_DROPS_RIGHT = (_DROPS_LEFT | PREPOSITIONS) - WORDS["kept_right"]
_COMPARING = WORDS["comparing"] | FILLERS | ARTICLES
_CHANGES = WORDS["changes"] | WORDS["changes_at_end"]


def trimmed(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` without articles, fillers, conjunctions and punctuation at either edge."""
    start, end = 0, len(tokens)
    while start < end:
        first = tokens[start]
        kept = first.lower not in _DROPS_LEFT and (first.is_word or first.removed)
        if kept or (first.lower == "well" and _is_said_well(tokens[start + 1 : start + 2])):
            break
        start += 1
    while end > start:
        last = tokens[end - 1]
        if last.lower not in _DROPS_RIGHT and (last.is_word or last.removed):
            break
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
    words = {token.lower for token in tokens}
    if _CHANGES.isdisjoint(words) or not WORDS["changeable"].isdisjoint(words):
        return list(tokens)
    kept: list[Token] = []
    for at, token in enumerate(tokens):
        if token.lower in WORDS["changes"] or (
            token.lower in WORDS["changes_at_end"] and kept and not any(later.is_word for later in tokens[at + 1 :])
        ):
            while kept and is_adverb(kept[-1].lower):
                kept.pop()
        else:
            kept.append(token)
    return kept


def only_compares(tokens: Sequence[Token]) -> bool:
    """Whether a predicate says no more than that something is as it was, or that it is seen."""
    return all(not token.is_word or token.lower in _COMPARING for token in tokens)


def text_of(tokens: Sequence[Token]) -> str:
    """The words of `tokens` as a text in small letters."""
    return " ".join([token.lower for token in tokens if token.is_word])


def words_said(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The words of `tokens` that carry meaning, folded, as the lexicon looks them up."""
    return tuple([word for token in tokens if token.is_word for word in folded_words(token.lower)])


@lru_cache(CACHED_PHRASES)
def named_in(words: tuple[str, ...]) -> tuple[Hit, ...]:
    """The findings, devices and normal statements that folded words name, in order: phrases come again and again."""
    return tuple(load_lexicon().findings.among(words))


def observes(tokens: Sequence[Token]) -> bool:
    """Whether the words name something that can be true or false of an image, rather than a place alone."""
    words = words_said(tokens)
    if named_in(words):
        return True
    if any(token.lower in WORDS["views"] for token in tokens):
        return False  # "a single AP view of the chest" is no observation
    return _says_more_than_where(words)


@lru_cache(CACHED_PHRASES)
def found_in(text: str) -> tuple[Match, ...]:
    """The findings, devices and normal statements that a text names, in order, with where they stand in it."""
    return tuple(load_lexicon().find(text))


def names_finding(tokens: Sequence[Token]) -> bool:
    """Whether the words name a finding, device or normal statement of the lexicon."""
    return bool(named_in(words_said(tokens)))


def names_thing(tokens: Sequence[Token]) -> bool:
    """Whether the words name a finding or a device, which is there or not, and not a structure or its normal state."""
    return any(hit.kind != "normal" for hit in named_written_out(tokens))


def named_written_out(tokens: Sequence[Token]) -> tuple[Hit, ...]:
    """What the words name once the abbreviations of the field are written out."""
    return _named_written_out(text_of(tokens))


@lru_cache(CACHED_PHRASES)
def _named_written_out(text: str) -> tuple[Hit, ...]:
    return named_in(folded_words(load_lexicon().written_out(text)))


def names_device(tokens: Sequence[Token]) -> bool:
    """Whether the words name a device."""
    return any(hit.kind == "device" or hit.label in _ALSO_DEVICES for hit in named_written_out(tokens))


_ALSO_DEVICES = frozenset(["tube", "catheter"])


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


def _is_said_well(after: Sequence[Token]) -> bool:
    """Whether what follows "well" makes it "well expanded", said of lungs, and not "well seen", said of a picture."""
    return any(token.lower not in FILLERS and token.lower not in (".", ",") for token in after)


def _says_more_than_where(words: tuple[str, ...]) -> bool:
    lexicon = load_lexicon()
    places = {at for hit in lexicon.anatomy.among(words) for at in range(hit.first, hit.last)}
    rest = [word for at, word in enumerate(words) if at not in places]
    if not places and all(word in WORDS["motions"] for word in rest):
        return False  # "no progression"
    if "size" in rest and any(word in lexicon.severities for word in rest):
        return True  # "borderline heart size"
    return any(
        len(word) > 1 and word not in _NEUTRAL_FOLDED and word not in lexicon.sides and word not in lexicon.severities
        for word in rest
    )


_NEUTRAL_FOLDED = frozenset(fold(word) for word in WORDS["neutral"] | FILLERS | WORDS["comparing"])
