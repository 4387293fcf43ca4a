"""Clauses: where one statement of a sentence ends and another, with a polarity of its own, begins.

The bounds are those of the text's structure: a dash, a bullet, a spaced slash, and a comma or an "and" before a subject
with a finite verb of its own. What is no such bound belongs to one clause, whose coordination the grammar reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.grammar.places import is_place_adverb
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import ARTICLES, FILLERS, PREPOSITIONS, WORDS, is_adverb, names_device, names_finding
from kb.language.lexicon import load_lexicon

FINITE = WORDS["finite_verbs"]
_JOINTS = frozenset([",", "and", "&", "since", "because", "as"])
_CAUSES = frozenset(["since", "because", "as"])
_REACH = 40
"""How many words after a joint a subject and its verb are looked for in."""
_RELATIVES = frozenset(["which", "whose", "that", "who", "where", "when", "if", "than"])
_DENIES = frozenset(["no", "without", "not", "never", "neither", "negative"])
_BARE_VERBS = frozenset(["is", "are", "was", "were", "has", "have", "been", "be"])


def clauses(tokens: Sequence[Token]) -> list[list[Token]]:
    """The clauses of a sentence, in order; the marks and conjunctions between them are left out."""
    if _MAY_END.isdisjoint([token.lower for token in tokens]):
        return [list(tokens)]
    found: list[list[Token]] = []
    start = 0
    at = 0
    while at < len(tokens):
        following = _next_clause(tokens, start, at) if tokens[at].lower in _MAY_END else None
        if following is not None and following > start:
            if tokens[start:at]:
                found.append(list(tokens[start:at]))
            start = at = following
        else:
            at += 1
    return [*found, list(tokens[start:])] if tokens[start:] or not found else found


def specified(tokens: Sequence[Token]) -> bool:
    """Whether an item is told as one only tells what is there: with its side, measure or age, as a normal state.

    "No effusion, 5 mm left nodule": a bare item of a denied list is denied, such a one is not.
    """
    words = [token.lower for token in tokens if token.is_word]
    while words and words[0] in ARTICLES | WORDS["restating"]:
        if words[0] in WORDS["restating"]:
            return True
        words.pop(0)
    if not words:
        return False
    lexicon = load_lexicon()
    first = words[0]
    return (
        first in lexicon.sides
        or first in ("l", "r", "lt", "rt", "bilat", "b/l", "lt.", "rt.")
        or first in lexicon.severities
        or first[0].isdigit()
        or first in WORDS["ages"]
    )


def has_verb(tokens: Sequence[Token]) -> bool:
    """Whether a finite verb stands among the tokens."""
    return any(token.lower in FINITE for token in tokens)


def is_taken_out(clause: Sequence[Token]) -> bool:
    """Whether a device is told to be out without a verb: "right chest tube out"."""
    said = [token for token in clause if token.is_word]
    return len(said) > 1 and said[-1].lower in _OUT and not has_verb(said) and names_device(said)


_OUT = frozenset(["out", "gone", "pulled", "discontinued"])


def _next_clause(tokens: Sequence[Token], start: int, at: int) -> int | None:
    """Where the next clause begins, if the token at `at` ends the one that began at `start`."""
    token = tokens[at]
    if not token.is_word and token.lower in _HARD:
        return at + 1 if _is_bound(tokens, start, at) else None
    if token.lower == "the" and at > start and _begins_unmarked(tokens, start, at):
        return at
    if token.lower not in _JOINTS:
        return None
    if token.lower == "," and tokens[at - 1].lower in _OUT and is_taken_out(tokens[start:at]):
        return at + 1
    first = at + 1
    while first < len(tokens) and tokens[first].lower in ("and", "&", "then", "also", "but"):
        first += 1
    return (
        first if _begins_clause(tokens[start:at], tokens[first : first + _REACH], token.lower, at + 1 < first) else None
    )


def _begins_unmarked(tokens: Sequence[Token], start: int, at: int) -> bool:
    """Whether a clause begins with "the" after a noun: "apart from a granuloma in the apex | the lungs are clear"."""
    before = tokens[at - 1]
    if not before.is_word or before.lower in PREPOSITIONS | FINITE | _NO_NOUNS or before.lower.endswith("ing"):
        return False
    item = tokens[at : next((i for i in range(at, len(tokens)) if tokens[i].lower in (",", ";")), len(tokens))]
    verb = next((i for i, token in enumerate(item) if token.lower in FINITE), None)
    between = item[1:verb] if verb else ()
    joined = PREPOSITIONS | _RELATIVES | {"and", "or"}
    return (
        verb is not None
        and verb > 1
        and names_finding(tokens[start:at])
        and not has_verb(tokens[start:at])
        and not any(token.lower in joined for token in between)
    )


_NO_NOUNS = frozenset(
    [
        "and",
        "or",
        "nor",
        "with",
        "for",
        "by",
        "than",
        "that",
        "all",
        "both",
        "if",
        "but",
        "since",
        "as",
        "to",
        "per",
        "plus",
        "against",
        "despite",
    ]
)
_HARD = frozenset(["-", "--", "---", "\u2013", "\u2014", "\u2022", "|", "/", "//", ";", "\u2192", ">"])
_MAY_END = _HARD | _JOINTS | {"the"}


def _is_bound(tokens: Sequence[Token], start: int, at: int) -> bool:
    """Whether a dash, bullet or slash parts two statements, rather than joining two words or describing the first."""
    sign = tokens[at].lower
    if sign in ("\u2022", "|", "//", ";", "\u2192"):
        return True
    if sign == ">":
        return at > 0 and tokens[at - 1].lower in ("=", "-", "--")  # "=>", "->"
    spaced = (at == 0 or tokens[at - 1].end < tokens[at].start) and (
        at + 1 == len(tokens) or tokens[at].end < tokens[at + 1].start
    )
    if not spaced and sign not in ("\u2014", "--", "---"):
        return False
    before, after = tokens[start:at], tokens[at + 1 :]
    if not before or not after or (before[-1].lower[0].isdigit() and after[0].lower[0].isdigit()):
        return False
    if sign == "/":
        slashes = [
            i for i in range(1, len(tokens) - 1) if tokens[i].lower == "/" and tokens[i - 1].end < tokens[i].start
        ]
        return len(slashes) > 1 or specified(after) or after[0].lower in _DENIES or _is_normal(after)
    return not _only_describes(after)


def _only_describes(tokens: Sequence[Token]) -> bool:
    """Whether what follows a dash says of what stands before it where or how large it is: "effusion - small, left"."""
    end = next((i for i, token in enumerate(tokens) if token.lower in _HARD), len(tokens))
    lexicon = load_lexicon()
    words = lexicon.written_out(" ".join(token.lower for token in tokens[:end] if token.is_word)).split()
    describing = bool(words) and (
        words[0] in PREPOSITIONS or words[0] in lexicon.sides or words[0] in lexicon.severities or words[0][0].isdigit()
    )
    if words and all(word in _HOW_IT_STANDS or word in FILLERS for word in words):
        return True  # "effusion - resolved"
    return describing and not names_finding(tokens[:end]) and not has_verb(tokens[:end])


_HOW_IT_STANDS = (
    WORDS["comparing"]
    | WORDS["changes"]
    | WORDS["changes_at_end"]
    | frozenset(["resolved", "removed", "gone", "cleared", "out", "completely", "fully", "interval", "none"])
)


def _is_normal(tokens: Sequence[Token]) -> bool:
    words = " ".join(token.lower for token in tokens if token.is_word)
    return any(match.kind == "normal" for match in load_lexicon().find(words))


def _begins_clause(left: Sequence[Token], right: Sequence[Token], joint: str, with_and: bool) -> bool:
    """Whether a subject with its own verb follows: "..., | the effusion has grown", "... and | a collapse persists"."""
    item = right[: next((i for i, token in enumerate(right) if token.lower in (",", ";")), len(right))]
    verb = next((i for i, token in enumerate(item) if token.lower in FINITE), None)
    if verb is None or not left:
        return False
    subject = item[:verb]
    if not any(token.removed or (token.is_word and _may_be_subject(token.lower)) for token in subject):
        return False
    if subject[0].lower in _RELATIVES or any(token.lower in _RELATIVES for token in subject):
        return False
    if subject[0].lower in ("or", "nor", "with", "without", "no", "not") or subject[0].lower in PREPOSITIONS:
        return False
    if joint in _CAUSES:
        return joint != "as" and not _is_earlier(subject)
    if has_verb(left):
        return left[0].lower not in ("if", "when", "whether")
    if joint != "," or is_place_adverb(left) or (left[0].lower in PREPOSITIONS and not names_finding(left)):
        return False
    if any(token.lower in ("and", "or", "/", "nor") for token in subject) or with_and:
        return False
    denied = any(token.lower in _DENIES for token in left)
    return not (denied and _only_exists(item[verb:]) and not specified(item)) and item[verb].lower not in _PLURAL


def _may_be_subject(word: str) -> bool:
    """Whether a word is more than an adverb or a filler ("and now | terminates" has no subject of its own)."""
    return word not in FILLERS and word not in ARTICLES and not is_adverb(word)


_PLURAL = frozenset(["are", "were", "have", "remain", "appear", "show", "demonstrate"])


def _only_exists(predicate: Sequence[Token]) -> bool:
    """Whether a predicate only says that something is seen, which may be said of a whole list."""
    words = [token.lower for token in predicate if token.is_word]
    return all(word in _BARE_VERBS or word in WORDS["existing"] for word in words)


def _is_earlier(subject: Sequence[Token]) -> bool:
    """Whether "since" is told of time: "since the prior examination was made"."""
    return any(token.lower in WORDS["technique"] | WORDS["earlier"] for token in subject)
