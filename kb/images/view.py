"""The view of a radiograph in one normal form, from what says it: a tag, a column or a file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from unicodedata import normalize

from schemas.terms import FRONTALS, View

_WORDS: dict[View, str] = {
    "PA": r"pa|p a|poster(?:o|ior)? ?anterior|post ant|dorso ?ventral",
    "AP": r"ap|a p|anter(?:o|ior)? ?posterior|ant post|ventro ?dorsal",
    "frontal": r"front|frontal[a-z]*|frente|de face|прямая",
    "lateral": r"[lr]?lat(?:s|e?r[a-z]*)?|ll|rl|perfil|profil|seitl[a-z]*|zijdelings|zij|боковая",
    "other": r"obl|obliq[a-z]*|oblicu[ao]|schrag[a-z]*|[lr][ap]o|[lr]lo|decub[a-z]*|[lr]ld|lordo[a-z]*|axial|apical|"
    r"swimmers?|costal|ribs?|other",
}
"""By view; words of the last modify the others ("AP decubitus") unless the text joins them ("PA, oblique")."""

_UNSPACED: dict[View, str] = {"frontal": "正面|正位", "lateral": "側面|侧位|側位"}
"""Words of scripts that put no blanks between them."""

_WHOLE: dict[str, View] = {"l": "lateral", "face": "frontal"}
"""What says a view only where nothing else is said."""

_SEVERAL = r"(?:[2-9]|two|three|four|multiple|both) (?:views?|projections?)"
"""Words that say there were several pictures: which this one is stays open."""

_JOINED = r"[&+,;|/]| (?:and|und|y|e|et|en|og|och|with|w) "
"""What joins two views; it is looked for in the text itself, in small letters."""

_ORIENTATION = re.compile(r"\[?'?([LRAPHF]{1,3})'?[\\,] ?'?([LRAPHF]{1,3})'?\]?")


def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:^| )(?:{pattern})(?: |$)")


_KINDS = {view: _pattern(words) for view, words in _WORDS.items()}
_SPELLED_OUT: dict[View, re.Pattern[str]] = {
    "PA": _pattern("poster(?:o|ior)? ?anterior"),
    "AP": _pattern("anter(?:o|ior)? ?posterior"),
    "frontal": _pattern("frontal"),
    "lateral": _pattern("lateral"),
}
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
    if _pattern(_SEVERAL).search(plain):
        return None
    kinds = {view for view, pattern in _KINDS.items() if pattern.search(plain)}
    kinds |= {view for view, words in _UNSPACED.items() if re.search(words, plain)}
    return _one(kinds, re.search(_JOINED, text.lower()) is not None)


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
    spelled = {kind for kind, pattern in _SPELLED_OUT.items() if pattern.search(plain)}
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
