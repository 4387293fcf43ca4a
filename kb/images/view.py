"""The view of a radiograph in one normal form, from what says it: a tag, a column or a file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from unicodedata import normalize

from schemas.terms import FRONTALS, View

_PA = r"pa|p a|poster(?:o|ior)? ?anterior|post ant|dorso ?ventral"
_AP = r"ap|a p|anter(?:o|ior)? ?posterior|ant post|ventro ?dorsal"
_FRONTAL = r"front|frontal\w*|frente|de face|прямая"
_LATERAL = r"[lr]?lat(?:s|e?r\w*)?|ll|rl|perfil|profil|seitl\w*|zijdelings|zij|боковая"
_OTHER = (
    r"obl|obliq\w*|oblicu[ao]|schrag\w*|[lr][ap]o|[lr]lo|decub\w*|[lr]ld|lordo\w*|axial|apical|swimmers?|costal|ribs?"
)
_UNSPACED: dict[View, str] = {"frontal": "正面|正位", "lateral": "側面|侧位|側位"}
_SPELLED = {"PA": r"poster(?:o|ior)? ?anterior", "AP": r"anter(?:o|ior)? ?posterior", "frontal": "frontal"}
_SEVERAL = re.compile(r"\b(?:[2-9]|two|three|four|multiple|both) (?:views?|projections?)\b")
_JOINED = re.compile(r"[&+,;|/]|\b(?:and|und|y|e|et|en|og|och|with|w)\b")
_ORIENTATION = re.compile(r"\[?'?([LRAPHF]{1,3})'?[\\,] ?'?([LRAPHF]{1,3})'?\]?")
_WHOLE: dict[str, View] = {"l": "lateral", "face": "frontal", "other": "other"}
"""Letters that say a view only where nothing else is said."""


def _words(pattern: str, unspaced: str = "") -> re.Pattern[str]:
    words = rf"(?<![^\W_])(?:{pattern})(?![^\W_])"
    return re.compile(f"{words}|{unspaced}" if unspaced else words)


_KINDS: tuple[tuple[View, re.Pattern[str]], ...] = (
    ("PA", _words(_PA)),
    ("AP", _words(_AP)),
    ("frontal", _words(_FRONTAL, _UNSPACED["frontal"])),
    ("lateral", _words(_LATERAL, _UNSPACED["lateral"])),
    ("other", _words(_OTHER)),
)
_SPELLED_OUT: tuple[tuple[View, re.Pattern[str]], ...] = (
    *((kind, _words(_SPELLED[kind])) for kind in FRONTALS),
    ("lateral", _words("lateral")),
)
_AT_THE_END: dict[str, View] = {"pa": "PA", "ap": "AP", "lat": "lateral"}


@lru_cache(4_096)
def normal_view(text: str | None) -> View | None:
    """The view that a text says; None where it says none, more than one, or nothing that is understood.

    Args:
        text: ViewPosition, ViewCodeSequence, PatientOrientation ("L\\\\F"), SeriesDescription or a column:
            "PA", "AP_horizontal", "POSTERO_ANTERIOR", "left lateral", "LL", "Frontal". Case and marks do not count.
    """
    if text is None:
        return None
    if (match := _ORIENTATION.fullmatch(text.strip().upper())) is not None:
        return _of_orientation(match[1], match[2])
    plain = _plain(text)
    if plain in _WHOLE:
        return _WHOLE[plain]
    if _SEVERAL.search(plain):
        return None
    return _one({kind for kind, pattern in _KINDS if pattern.search(plain)}, _JOINED.search(text.lower()) is not None)


def agreed_view(texts: Iterable[str | None]) -> View | None:
    """The view that several texts say of one picture: the closest of those that agree, None where two contradict.

    "Frontal" beside "AP" is AP; "Lateral" beside nothing is lateral; "Lateral" beside "PA" is nothing.
    """
    kinds = {view for view in map(normal_view, texts) if view is not None}
    return _one(kinds, joined=True)


def view_of_name(name: str) -> View | None:
    """The view that a file's name says: "view1_frontal.jpg", "0012_lateral.png", "chest-PA.dcm".

    A short word ("pa") counts only as the last: at the beginning it may stand for a patient.
    """
    plain = _plain(PurePosixPath(name.replace("\\", "/")).name.split(".")[0])
    spelled = {kind for kind, pattern in _SPELLED_OUT if pattern.search(plain)}
    if spelled:
        return _one(spelled, joined=True)
    words = plain.split()
    return _AT_THE_END.get(words[-1]) if len(words) > 1 else None


def _one(kinds: set[View], joined: bool) -> View | None:
    """The one kind that was said; "other" modifies ("AP decubitus") unless words were joined ("PA, oblique")."""
    if kinds and kinds <= set(FRONTALS):
        return "frontal" if {"PA", "AP"} <= kinds or kinds == {"frontal"} else (kinds - {"frontal"}).pop()
    if len(kinds) == 1 or ("other" in kinds and not joined):
        return "other" if "other" in kinds else kinds.pop()
    return None


def _of_orientation(row: str, column: str) -> View | None:
    """The view by which way a row and a column run: to a side and to the feet is frontal, to the back lateral."""
    if column[0] not in "HF":
        return None
    first = {"L": "side", "R": "side", "A": "depth", "P": "depth"}
    told = {first.get(letter, "height") for letter in row}
    if len(told) != 1:
        return "other" if told == {"side", "depth"} else None
    return {"side": "frontal", "depth": "lateral"}.get(told.pop())  # type: ignore[return-value]


def _plain(text: str) -> str:
    """A text in small letters without accents, words parted by single blanks."""
    bare = "".join(letter for letter in normalize("NFKD", text.casefold()) if not "\u0300" <= letter <= "\u036f")
    return re.sub(r"[\W_]+", " ", bare).strip()
