"""A clause read from left to right with one statement open at a time.

A cue closes the open statement and says how the next one is meant; a copula makes what stands before it the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kb.language.grammar.cues import Segment
from kb.language.grammar.evidence import before_evidence, is_evidence
from kb.language.grammar.joints import from_next_clause, last_clause
from kb.language.grammar.motion import lost_noun, what_did_not_move
from kb.language.grammar.places import place_length, place_said, tells_side
from kb.language.grammar.predication import end_of_denial, is_choice, observations
from kb.language.grammar.tokens import REMOVED, Span, Token
from kb.language.grammar.wording import (
    STATES,
    WORDS,
    is_modifier,
    is_technique,
    names_device,
    names_finding,
    names_thing,
    observes,
    only_compares,
    trimmed,
    unchanged_words,
)
from kb.language.lexicon import load_lexicon
from schemas.terms import Assertion, Certainty


class Statement(NamedTuple):
    """The tokens of one observation, how it is meant, and from where to where its clause stands in the sentence."""

    tokens: tuple[Token, ...]
    assertion: Assertion
    certainty: Certainty
    clause: Span


@dataclass(slots=True, kw_only=True)
class _Open:
    """The statement that is being read."""

    body: list[Token] = field(default_factory=list)
    subject: list[Token] | None = None
    assertion: Assertion = "present"
    certainty: Certainty = "definite"
    carried: list[Token] = field(default_factory=list)
    in_template: bool = False


MEANT: dict[str, tuple[Assertion, Certainty]] = {
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


class Reader:
    """Takes in the segments of one clause, and keeps what they state; `clause` is where that stands in the sentence."""

    def __init__(self, clause: Span, place: Sequence[Token] = ()) -> None:
        """`place` is where all is that the clause tells ("on the left, ...")."""
        self.statements: list[Statement] = []
        self._clause = clause
        self._place = list(place)
        self._open = _Open()

    def take(self, segment: Segment) -> None:
        """Take in one cue and what follows it."""
        effect = segment.effect
        if effect == "likely" and segment.cue[0].lower.startswith("favo"):
            segment = _favoured(segment)
        if effect == "deny" and (moved := what_did_not_move(segment.tokens)) is not None:
            self._begin(moved, "present", "definite")  # "no growth of the nodule"
        elif effect == "doubted" and segment.cue[0].lower in _VERBS_AND_HARD and names_finding(segment.tokens):
            if segment.cue[0].lower in _VERBS:
                self._say_of_subject(Segment("copula", segment.cue[:1], []))
            self._begin(segment.tokens, "uncertain", _certainty_of(segment.cue))  # "is likely atelectasis"
        elif effect in ("copula", "show"):
            self._say_of_subject(segment)
        elif effect == "skip" and not _is_earlier_size(segment):
            opened = self._open
            if segment.cue[0].lower == "not" and opened.in_template and not trimmed([*opened.body, *segment.tokens]):
                opened.body, opened.assertion = list(segment.cue[1:]), "absent"  # "Hila: not unusual"
                return
            opened.body += segment.tokens
        elif effect == "keep":
            self._open.body += [*segment.cue, *segment.tokens]
        elif effect == "guess":
            self._guess(segment)
        elif effect == "advise":
            self._advise(segment)
        elif effect == "withdrawn":
            self._withdraw(segment)
        elif effect == "replaced":
            self._turn_back(Segment("denied", segment.cue, []))
            self._begin(segment.tokens, "present", "definite")
        elif effect == "obscured":
            self._turn_back(Segment("doubted", segment.cue, []))
            self._begin(segment.tokens, "present", "definite")
        elif effect == "unseen":
            self._lose_sight(segment)
        elif effect == "denied" and segment.cue[0].lower == "absent" and self._begins_with(segment):
            self._begin(segment.tokens, "absent", "definite")  # "absent breast shadow"
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
        if not opened.body and not opened.subject:
            return
        if opened.assertion == "absent" and (end := end_of_denial(opened.body)) is not None:
            affirmed = _Open(body=opened.body[end:])
            opened.body = opened.body[:end]
            self._state(opened)
            opened = affirmed
        self._state(opened)

    def _begins_with(self, segment: Segment) -> bool:
        """Whether nothing stands before a cue, and something behind it that could be told of."""
        return self._open.subject is None and not trimmed(self._open.body) and observes(trimmed(segment.tokens))

    def _state(self, opened: _Open) -> None:
        if opened.in_template and not trimmed(opened.body) and not names_thing(opened.subject or ()):
            return  # a label alone says nothing
        if opened.assertion == "present" and opened.subject is None and is_choice(opened.body):
            opened.assertion, opened.certainty = "uncertain", "probable"  # one of them is there
        for tokens in observations(opened.body, opened.subject, opened.carried, heads_line=opened.in_template):
            if self._place and not tells_side(tokens):
                tokens = [*tokens, *self._place]
            once = {token.start: token for token in tokens}  # what parts share may have come to one of them twice
            removed = REMOVED in [token.lower for token in tokens]
            kept = trimmed([token for token in unchanged_words(list(once.values())) if not token.removed])
            of_a_removed_word = removed and len(kept) < len(tokens) and all(token.lower in STATES for token in kept)
            if observes(kept) and not (removed and lost_noun(tokens)) and not of_a_removed_word:
                self.statements.append(Statement(tuple(kept), opened.assertion, opened.certainty, self._clause))

    def _begin(self, body: list[Token], assertion: Assertion, certainty: Certainty) -> None:
        self.close()
        self._open = _Open(body=list(body), assertion=assertion, certainty=certainty)

    def _begin_as_meant(self, segment: Segment) -> None:
        assertion, certainty = MEANT[segment.effect]
        first = segment.cue[0].lower if segment.cue else ""
        opened = self._open
        if segment.effect == "affirm" and opened.assertion != "present" and not trimmed(opened.body):
            if not WORDS["motions"].isdisjoint(token.lower for token in segment.cue) and names_thing(segment.tokens):
                self._begin(segment.tokens, "present", "definite")  # "no | growth of | the nodule"
                return
            opened.body += segment.tokens  # "there is no" + "with"
            return
        if is_evidence(segment) and opened.assertion != "present":
            opened.body, goes_on = before_evidence(opened.body, segment.tokens)
            if goes_on:
                opened.body += segment.tokens
                return
        if opened.assertion == "absent" and (
            first in _SUSPICIONS or (first in _LIKENESSES and last_clause(opened.body)[2] != ",")
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
        carries = segment.cue[0].lower in ("free", "clear", "devoid")  # "well expanded and free of"
        if opened.assertion == "present" and not carries and names_thing(subject):
            self._deny_predicate(segment)
            return
        if not trimmed(segment.tokens):
            opened.assertion = "absent"
            return
        labels = opened.in_template and (segment.cue[-1].lower != "not" or names_finding(segment.tokens))
        if (predicate_said and not carries) or labels or is_technique(subject) or opened.assertion != "present":
            self._begin(segment.tokens, "absent", "definite")
            return
        if predicate_said:
            self.close()
        self._open = _Open(body=list(segment.tokens), assertion="absent", carried=trimmed(subject))

    def _deny_predicate(self, segment: Segment) -> None:
        """ "The tube is not in position", "the mass does not invade": it is there; that is denied of it."""
        opened = self._open
        if opened.subject is not None and not trimmed(opened.body):
            opened.body, opened.subject = list(opened.subject), None
        self.close()
        rest = segment.tokens
        end = next((i for i, token in enumerate(rest) if token.lower == ","), len(rest))
        denied = trimmed(rest[:end])
        if denied and (names_thing(denied) or segment.effect == "deny") and not denied[-1].lower.endswith(_PROPERTY):
            self._begin(denied, "absent", "definite")
            self.close()
        if names_finding(rest[end:]):
            self._begin(list(rest[end:]), "present", "definite")

    def _withdraw(self, segment: Segment) -> None:
        """ "The tube has been pulled" is out, "has been pulled back 2 cm" or "withdrawn to the carina" is there."""
        first = next((token.lower for token in segment.tokens if token.is_word), "")
        if first[:1].isdigit() or first in _MOVES:
            self._pass_over(Segment("cut", segment.cue, segment.tokens))
        else:
            self._turn_back(Segment("denied", segment.cue, segment.tokens))

    def _lose_sight(self, segment: Segment) -> None:
        """ "Not well seen": a device is there, and of a finding or a structure nothing is said."""
        opened = self._open
        said = opened.body if opened.subject is None else opened.subject
        if opened.subject is not None:
            opened.body = []
        if opened.assertion == "present" and not names_device(said):
            opened.body, opened.subject = [], None
        self.close()
        self._open = _Open(body=from_next_clause(segment.tokens))

    def _say_of_subject(self, segment: Segment) -> None:
        opened = self._open
        if only_compares(segment.tokens) and opened.assertion != "present":
            return  # "no effusion ... is seen"
        if opened.subject is not None and not trimmed(opened.body):
            opened.body = list(segment.tokens)
            return
        subject = opened.body
        if segment.cue[0].lower == ":" and opened.subject is None and names_finding(segment.tokens):
            before, last, separator = last_clause(opened.body)
            if before is not None and separator == "," and names_finding(before) and trimmed(last):
                self._begin(segment.tokens, "present", "definite")  # "improving edema, new process: pneumonia"
                return
        if opened.subject is None and opened.assertion == "present" and segment.cue[0].lower != ":":
            subject = self._after_opening_phrase()
            opened = self._open
        if opened.in_template and opened.assertion == "present" and names_finding(opened.body):
            before, _, separator = last_clause(opened.body)
            if before is None or separator in ("and", "&", "or", "/"):
                # "Lungs: emphysema is moderate": said of what the line states, and not of its label
                self._open = _Open(body=list(segment.tokens), subject=list(opened.body))
                return
        if opened.subject is not None or opened.assertion != "present":
            before, subject, _ = last_clause(opened.body)
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
        before, last, separator = last_clause(self._open.body)
        if before is None or separator != "," or not names_finding(before) or not trimmed(last):
            return self._open.body
        self._open.body = before
        self.close()
        return last

    def _turn_back(self, segment: Segment) -> None:
        """ "X is not seen", "X is not excluded": the cue says how what stands before it is meant."""
        opened = self._open
        opened.body = trimmed(opened.body)
        before, last, separator = last_clause(opened.body)
        both = separator in ("or", "/") or segment.cue[0].lower in _PLURAL_VERBS
        if opened.subject is None and both and not separator.startswith(","):
            before = None  # "the tube and the line have been removed", "a or b is not excluded": both
        if before is not None and (opened.assertion != "absent" or opened.subject is not None):
            opened.body = before
            self.close()
            self._open = opened = _Open(body=last)
        elif opened.subject is not None:
            opened.body = []
        place = place_said(segment.tokens)
        if opened.subject is not None:
            opened.body, opened.subject = [*opened.subject, *place], None
        else:
            opened.body = [*opened.body, *place]
        if segment.effect != "denied" or not _is_part_out_of_sight(opened.subject or opened.body, segment.cue):
            opened.assertion, opened.certainty = MEANT[segment.effect]
        self.close()
        self._open = _Open(body=from_next_clause(segment.tokens))

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
            before, _, _ = last_clause(self._open.body)
            self._open.body = before or []
        self._begin(from_next_clause(segment.tokens), "present", "definite")

    def _pass_over(self, segment: Segment) -> None:
        if segment.effect == "cut" and (length := place_length(where := [*segment.cue[-1:], *segment.tokens])) > 1:
            self._open.body += where[:length]  # "is seen | on the left", where "seen on the prior film" only compares
            segment = Segment("skip", segment.cue, where[length:])
            self._open.body += segment.tokens
            return
        rest = from_next_clause(segment.tokens) if segment.effect == "cut" else []
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
        before, last, separator = last_clause(opened.body)
        if before is not None and separator == "," and names_finding(before) and trimmed(last):
            opened.body = before  # "a lesion, infection versus neoplasm": the lesion is there
            self.close()
            self._open = opened = _Open(body=last)
        opened.assertion, opened.certainty = MEANT["likened"]
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
_DEVICE_ENDS = WORDS["device_ends"]
_PROPERTY = ("ed", "ing", "al", "ic", "ous", "ive", "ar", "ary", "er", "new", "old", "large", "small", "wide", "dense")
_MOVES = frozenset(
    ["and", "to", "by", "back", "slightly", "approximately", "about", "from", "now", "into", "above", "below"]
)
_VERBS = frozenset(["is", "are", "was", "were"])
_VERBS_AND_HARD = _VERBS | {"difficult", "hard", "impossible"}
_PLURAL_VERBS = frozenset(["are", "were", "have"])


def _is_part_out_of_sight(tokens: Sequence[Token], cue: Sequence[Token]) -> bool:
    """Whether a part of a thing is not seen ("the tip of the catheter", "catheter tip"): the thing is there."""
    words = [token.lower for token in trimmed(tokens) if token.is_word]
    return len(words) > 1 and cue[0].lower == "not" and not WORDS["parts"].isdisjoint((words[0], words[-1]))


def _certainty_of(cue: Sequence[Token]) -> Certainty:
    return "probable" if any(token.lower in ("likely", "probable", "favored") for token in cue) else "possible"


def _is_earlier_size(segment: Segment) -> bool:
    """Whether a number follows "previously" or "pulled back": how large or far says nothing of how it is."""
    words = [token for token in segment.tokens if token.is_word]
    moved = any(token.lower == "been" for token in segment.cue)
    return (moved or len(segment.cue) == 1) and bool(words) and words[0].lower[0].isdigit()


def _is_state(tokens: Sequence[Token]) -> bool:
    words = trimmed(tokens)
    return bool(words) and words[0].lower in STATES


def _favoured(segment: Segment) -> Segment:
    """ "Favor infection over edema": a choice between two, as "infection or edema" is."""
    tokens = [token._replace(lower="or") if token.lower == "over" else token for token in segment.tokens]
    return Segment(segment.effect, segment.cue, tokens)
