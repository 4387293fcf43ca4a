"""A sentence as statements: what it says of what, and whether it affirms, denies or doubts it.

The sentence is cut at its cues and read from left to right with one statement open at a time. A cue closes the
open statement and says how the next one is meant; a copula makes what stands before it the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kb.language.grammar.coordination import names_only_place
from kb.language.grammar.cues import Segment, load_cues
from kb.language.grammar.parentheses import unbracketed
from kb.language.grammar.predication import end_of_denial, observations
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import (
    CONJUNCTIONS,
    STATES,
    TECHNIQUE,
    WORDS,
    is_modifier,
    is_technique,
    names_finding,
    observes,
    only_compares,
    trimmed,
    unchanged_words,
)
from kb.language.lexicon import load_lexicon
from schemas.terms import Assertion, Certainty


@dataclass(frozen=True, slots=True)
class Statement:
    """The tokens of one observation, and how it is meant."""

    tokens: tuple[Token, ...]
    assertion: Assertion
    certainty: Certainty


@dataclass(slots=True, kw_only=True)
class _Open:
    """The statement that is being read."""

    body: list[Token] = field(default_factory=list)
    subject: list[Token] | None = None
    assertion: Assertion = "present"
    certainty: Certainty = "definite"
    carried: list[Token] = field(default_factory=list)
    in_template: bool = False


_MEANT: dict[str, tuple[Assertion, Certainty]] = {
    "start": ("present", "definite"),
    "break": ("present", "definite"),
    "affirm": ("present", "definite"),
    "deny": ("absent", "definite"),
    "free": ("absent", "definite"),
    "denied": ("absent", "definite"),
    "doubt": ("uncertain", "possible"),
    "doubted": ("uncertain", "possible"),
    "likened": ("uncertain", "possible"),
    "likely": ("uncertain", "probable"),
}


def read_statements(tokens: Sequence[Token]) -> list[Statement]:
    """The observations that a sentence states, in the order they stand."""
    statements: list[Statement] = []
    for part in unbracketed(tokens):
        reader = _Reader()
        for segment in _evidence_folded(load_cues().segments(part)):
            reader.take(segment)
        reader.close()
        statements += reader.statements
    return statements


def meant_at(tokens: Sequence[Token], at: int) -> tuple[Assertion, Certainty] | None:
    """How the cue before the character `at` of a sentence means what follows it; None if it says nothing of it."""
    meant: tuple[Assertion, Certainty] | None = ("present", "definite")
    for segment in _evidence_folded(load_cues().segments(tokens)):
        begins = (*segment.cue, *segment.tokens)
        if begins and begins[0].start > at:
            return None if segment.effect == "advise" else meant
        silent = segment.effect in ("cut", "void", "advise")
        meant = None if silent else _MEANT.get(segment.effect, ("present", "definite"))
    return meant


class _Reader:
    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._open = _Open()

    def take(self, segment: Segment) -> None:
        """Take in one cue and what follows it."""
        effect = segment.effect
        if effect == "likely" and segment.cue[0].lower.startswith("favo"):
            segment = _favoured(segment)
        if effect == "doubted" and segment.cue[0].lower in _VERBS_AND_HARD and names_finding(segment.tokens):
            if segment.cue[0].lower in _VERBS:
                self._say_of_subject(Segment("copula", segment.cue[:1], []))
            self._begin(segment.tokens, "uncertain", _certainty_of(segment.cue))  # "is likely atelectasis"
        elif effect in ("copula", "show"):
            self._say_of_subject(segment)
        elif effect == "skip" and not _is_earlier_size(segment):
            self._open.body += segment.tokens
        elif effect == "keep":
            self._open.body += [*segment.cue, *segment.tokens]
        elif effect == "guess":
            self._guess(segment)
        elif effect == "advise":
            self._advise(segment)
        elif effect in ("denied", "doubted"):
            self._turn_back(segment)
        elif effect in ("void", "cut", "skip"):
            self._pass_over(segment)
        elif effect == "affirm" and self._goes_on_with_tip(segment):
            self._open.body += [*segment.cue, *segment.tokens]
        elif effect == "on":
            self._begin(segment.tokens, self._open.assertion, self._open.certainty)
        elif effect == "likened":
            self._liken(segment)
        else:
            self._begin_as_meant(segment)

    def close(self) -> None:
        """Turn the open statement into observations."""
        opened, self._open = self._open, _Open()
        if opened.assertion == "absent" and (end := end_of_denial(opened.body)) is not None:
            affirmed = _Open(body=opened.body[end:])
            opened.body = opened.body[:end]
            self._state(opened)
            opened = affirmed
        self._state(opened)

    def _state(self, opened: _Open) -> None:
        for tokens in observations(opened.body, opened.subject, opened.carried, heads_line=opened.in_template):
            said = dict.fromkeys(tokens)  # what parts share may have come to one of them twice
            kept = tuple(trimmed([token for token in unchanged_words(list(said)) if not token.removed]))
            of_a_removed_word = len(kept) < len(tokens) and all(token.lower in STATES for token in kept)
            if observes(kept) and not (of_a_removed_word and any(token.removed for token in tokens)):
                self.statements.append(Statement(kept, opened.assertion, opened.certainty))

    def _begin(self, body: list[Token], assertion: Assertion, certainty: Certainty) -> None:
        self.close()
        self._open = _Open(body=list(body), assertion=assertion, certainty=certainty)

    def _begin_as_meant(self, segment: Segment) -> None:
        assertion, certainty = _MEANT[segment.effect]
        first = segment.cue[0].lower if segment.cue else ""
        opened = self._open
        if segment.effect == "affirm" and opened.assertion != "present" and not trimmed(opened.body):
            opened.body += segment.tokens  # "there is no" + "with"
            return
        if _is_evidence(segment) and opened.assertion != "present":
            opened.body, goes_on = _before_evidence(opened.body, segment.tokens)
            if goes_on:
                opened.body += segment.tokens
                return
        if opened.assertion == "absent" and (
            first in _SUSPICIONS or (first in _LIKENESSES and _last_clause(opened.body)[2] != ",")
        ):
            assertion, certainty = "absent", "definite"  # "no opacity concerning for pneumonia" denies both
        hanging = opened.subject is not None and not trimmed(opened.body)
        if first in ("resolved", "removed") and not trimmed(segment.tokens) and trimmed(opened.body):
            opened.assertion, opened.certainty = "absent", "definite"  # "small effusion, resolved"
            return
        if first == "otherwise" and opened.subject is not None and _is_state(segment.tokens):
            subject, in_template = opened.subject, opened.in_template
            self._begin(segment.tokens, assertion, certainty)
            self._open.subject, self._open.in_template = subject, in_template
            return
        body_says_what = bool(trimmed(segment.tokens))
        if segment.effect in ("doubt", "likely") and not body_says_what:
            opened.assertion, opened.certainty = assertion, certainty
            return
        if segment.effect in ("deny", "free") and (hanging or segment.effect == "free"):
            self._deny_of_subject(segment)
        elif segment.effect in ("doubt", "likely") and hanging and not names_finding(segment.tokens):
            opened.assertion, opened.certainty, opened.body = assertion, certainty, list(segment.tokens)
        else:
            self._begin(segment.tokens, assertion, certainty)

    def _deny_of_subject(self, segment: Segment) -> None:
        """ "The lungs show no infiltrate", "lungs are free of effusion": the subject says where."""
        opened = self._open
        subject = opened.subject if opened.subject is not None else opened.body
        predicate_said = opened.subject is not None and trimmed(opened.body)
        if _only_denies_change(subject, segment):
            opened.body = opened.body if opened.subject is None else []
            self.close()
            return
        if not trimmed(segment.tokens):
            opened.assertion = "absent"
            return
        carries = segment.cue[0].lower in ("free", "clear", "devoid")  # "well expanded and free of"
        if (
            (predicate_said and not carries)
            or opened.in_template
            or is_technique(subject)
            or opened.assertion != "present"
        ):
            self._begin(segment.tokens, "absent", "definite")
            return
        if predicate_said:
            self.close()
        self._open = _Open(body=list(segment.tokens), assertion="absent", carried=trimmed(subject))

    def _say_of_subject(self, segment: Segment) -> None:
        opened = self._open
        if only_compares(segment.tokens) and opened.assertion != "present":
            return  # "no effusion ... is seen"
        if opened.subject is not None and not trimmed(opened.body):
            opened.body = list(segment.tokens)
            return
        subject = opened.body
        if opened.subject is None and opened.assertion == "present" and segment.cue[0].lower != ":":
            subject = self._after_opening_phrase()
            opened = self._open
        if opened.subject is not None or opened.assertion != "present":
            before, subject, _ = _last_clause(opened.body)
            if before is None:
                opened.body = [*opened.body, *segment.tokens]
                return
            opened.body = before
            self.close()
        if segment.effect == "show" and is_technique(subject):
            self._open = _Open(body=list(segment.tokens))
            return
        # "Pleura: no effusion" heads a line of a template; "the lungs show no nodule" says where.
        self._open = _Open(body=list(segment.tokens), subject=subject, in_template=segment.cue[0].lower == ":")

    def _after_opening_phrase(self) -> list[Token]:
        """The subject of a clause that a phrase opens: "given low volumes, heart size | is normal"."""
        before, last, separator = _last_clause(self._open.body)
        if before is None or separator != "," or not names_finding(before) or not trimmed(last):
            return self._open.body
        self._open.body = before
        self.close()
        return last

    def _turn_back(self, segment: Segment) -> None:
        """ "X is not seen", "X is not excluded": the cue says how what stands before it is meant."""
        opened = self._open
        opened.body = trimmed(opened.body)
        before, last, separator = _last_clause(opened.body)
        both = separator in ("or", "/") or segment.cue[0].lower in _PLURAL_VERBS
        if opened.subject is None and both and not separator.startswith(","):
            before = None  # "the tube and the line have been removed", "a or b is not excluded": both
        if before is not None and (opened.assertion != "absent" or opened.subject is not None):
            opened.body = before
            self.close()
            self._open = opened = _Open(body=last)
        elif opened.subject is not None:
            opened.body = []
        if segment.effect != "denied" or not _is_part_out_of_sight(opened.subject or opened.body, segment.cue):
            opened.assertion, opened.certainty = _MEANT[segment.effect]
        self.close()
        self._open = _Open(body=_from_next_clause(segment.tokens))

    def _guess(self, segment: Segment) -> None:
        """ "Opacity, XXXX atelectasis": the word that was removed hedged; elsewhere it may have been anything."""
        opened = self._open
        said = opened.body if opened.subject is None else [*opened.subject, *opened.body]
        if opened.assertion == "present" and names_finding(said) and names_finding(segment.tokens):
            self._begin(segment.tokens, "uncertain", "probable")
        else:
            opened.body += [*segment.cue, *segment.tokens]

    def _advise(self, segment: Segment) -> None:
        """ "The tube should be withdrawn": of the tube itself nothing is said, unless something was before."""
        if self._open.subject is None:
            before, _, _ = _last_clause(self._open.body)
            self._open.body = before or []
        self._begin(_from_next_clause(segment.tokens), "present", "definite")

    def _pass_over(self, segment: Segment) -> None:
        rest = _from_next_clause(segment.tokens) if segment.effect == "cut" else []
        if rest or segment.effect == "void":
            self.close()
            self._open = _Open(body=rest)

    def _liken(self, segment: Segment) -> None:
        """ "Minimal left basilar atelectasis versus infiltrate": both are possible, and share the adjectives."""
        opened = self._open
        words = trimmed(segment.tokens)
        if words and words[0].lower[0].isdigit():
            self._pass_over(Segment("cut", segment.cue, segment.tokens))  # "5 cm versus 4 cm"
            return
        before, last, separator = _last_clause(opened.body)
        if before is not None and separator == "," and names_finding(before) and trimmed(last):
            opened.body = before  # "a lesion, infection versus neoplasm": the lesion is there
            self.close()
            self._open = opened = _Open(body=last)
        opened.assertion, opened.certainty = _MEANT["likened"]
        first = trimmed(opened.body)
        shared: list[Token] = []
        for token in first[:-1]:
            if not is_modifier(token.lower) and load_lexicon().anatomy.exactly([token.lower]) is None:
                break
            shared.append(token)
        self.close()
        self._open = _Open(body=[*shared, *segment.tokens], assertion="uncertain", certainty="possible")

    def _goes_on_with_tip(self, segment: Segment) -> bool:
        """Whether "with" only says where a device ends: "catheter with tip in the SVC" is one observation."""
        words = [token.lower for token in trimmed(segment.tokens)[:2]]
        return segment.cue[0].lower == "with" and any(word in _DEVICE_ENDS for word in words)


_SUSPICIONS = frozenset(
    ["concerning", "suspicious", "worrisome", "suggestive", "suggesting", "suggestion", "suspicion"]
)
_LIKENESSES = frozenset(["consistent", "compatible", "indicative", "indicating"])
_EVIDENCE = frozenset(["evidence", "features", "appearances", "findings"])
_MEANS_WHAT_FOLLOWS = frozenset(["deny", "free", "doubt", "likely", "likened"])
_AFFIRMS_WHAT_FOLLOWS = frozenset(["start", "break", "affirm"])
_STUDIES = frozenset(["mri", "cta", "us", "ecg", "ekg", "pet", "cxr", "imaging", "sonogram", "ultrasound"])
_ALTERNATIVES = frozenset(["or", "nor", "/", "and/or"])
_ADJECTIVE_ENDINGS = ("al", "ic", "ous", "ive", "ar", "ary")
_DEVICE_ENDS = WORDS["device_ends"]
_CHANGES = WORDS["changes"] | WORDS["changes_at_end"] | {"new"}
_VERBS = frozenset(["is", "are", "was", "were"])
_VERBS_AND_HARD = _VERBS | {"difficult", "hard", "impossible"}
_PLURAL_VERBS = frozenset(["are", "were", "have"])


def _is_evidence(segment: Segment) -> bool:
    """Whether the cue speaks of the evidence of what follows: how that evidence is meant, the thing is meant."""
    return segment.effect == "affirm" and segment.cue[0].lower in _EVIDENCE and segment.cue[-1].lower != "with"


def _evidence_folded(segments: Sequence[Segment]) -> list[Segment]:
    """`segments` with "evidence of" as a part of what stands before it: "no CT | evidence of | embolism"."""
    folded: list[Segment] = []
    for segment in segments:
        last = folded[-1] if folded and _is_evidence(segment) else None
        if last and last.effect in _MEANS_WHAT_FOLLOWS | _AFFIRMS_WHAT_FOLLOWS:
            kept, goes_on = _before_evidence(last.tokens, segment.tokens)
            if last.effect in _MEANS_WHAT_FOLLOWS or _last_clause(last.tokens)[0] is None:
                folded[-1] = Segment(last.effect, last.cue, [*kept, *segment.tokens] if goes_on else kept)
                if goes_on:
                    continue
        folded.append(segment)
    return folded


def _before_evidence(tokens: list[Token], following: Sequence[Token]) -> tuple[list[Token], bool]:
    """What stays of the words before "evidence of", and whether `following` is meant as they are.

    It is, unless they name a finding: then only as one more of a list that "or" joins. Words that only describe the
    evidence ("CT", "overt", "significant") are left out; a place stays.
    """
    _, tail, _ = _last_clause(tokens)
    before = tokens[: len(tokens) - len(tail)]
    words = [token.lower for token in tail if token.is_word]
    if names_finding(tail) and not words[-1].endswith(_ADJECTIVE_ENDINGS):
        return tokens, False
    if all(_describes_evidence(token) for token in before):
        place = trimmed(tokens)
        return (place if place and names_only_place(place) else []), True
    return before, before[-1].lower in _ALTERNATIVES or any(token.lower in ("or", "nor") for token in following)


def _describes_evidence(token: Token) -> bool:
    """Whether a word can say of what kind some evidence is ("CT or sonographic evidence") rather than what is seen."""
    lower = token.lower
    return (
        not token.is_word
        or lower in _STUDIES
        or lower in TECHNIQUE | CONJUNCTIONS
        or is_modifier(lower)
        or (lower.endswith(_ADJECTIVE_ENDINGS) and not names_finding([token]))
    )


def _is_part_out_of_sight(tokens: Sequence[Token], cue: Sequence[Token]) -> bool:
    """Whether a part of a thing is not seen ("the tip of the catheter", "catheter tip"): the thing is there."""
    words = [token.lower for token in trimmed(tokens) if token.is_word]
    return len(words) > 1 and cue[0].lower == "not" and not WORDS["parts"].isdisjoint((words[0], words[-1]))


def _only_denies_change(subject: Sequence[Token], segment: Segment) -> bool:
    """Whether a "not" denies only that something changed ("the effusion is not new"): the thing is there."""
    words = [token for token in segment.tokens if token.is_word]
    return (
        bool(words)
        and segment.cue[-1].lower == "not"
        and all(token.lower in _CHANGES for token in words)
        and not any(token.lower in WORDS["changeable"] for token in subject)
    )


def _certainty_of(cue: Sequence[Token]) -> Certainty:
    return "probable" if any(token.lower in ("likely", "probable", "favored") for token in cue) else "possible"


def _last_clause(tokens: list[Token]) -> tuple[list[Token] | None, list[Token], str]:
    """What stands before the last separator, the clause after it, and the separator; None if there is none."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].lower in CONJUNCTIONS:
            comma = at > 0 and tokens[at - 1].lower == ","  # ", and"
            return tokens[: at - comma], tokens[at + 1 :], ", and" if comma else tokens[at].lower
    return None, tokens, ""


def _from_next_clause(tokens: list[Token]) -> list[Token]:
    """What follows the first comma: a comparison ends there."""
    for at, token in enumerate(tokens):
        if token.lower == ",":
            return tokens[at + 1 :]
        if at and token.lower in ("the", "there") and tokens[at - 1].lower in TECHNIQUE | {"prior", "previous"}:
            return tokens[at:]  # "compared to the prior exam the effusion ..."
    return []


def _is_earlier_size(segment: Segment) -> bool:
    """Whether a number follows "previously": how large it was says nothing of how it is."""
    words = [token for token in segment.tokens if token.is_word]
    return len(segment.cue) == 1 and bool(words) and words[0].lower[0].isdigit()


def _is_state(tokens: Sequence[Token]) -> bool:
    words = trimmed(tokens)
    return bool(words) and words[0].lower in STATES


def _favoured(segment: Segment) -> Segment:
    """ "Favor infection over edema": a choice between two, as "infection or edema" is."""
    tokens = [token._replace(lower="or") if token.lower == "over" else token for token in segment.tokens]
    return Segment(segment.effect, segment.cue, tokens)
