"""The table of label names: which names are one label, which findings it is, and the sentences for and against it.

`label_names.tsv` is plain data, for a radiologist; a file of the same columns adds lines to it or takes their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from kb.errors import UsageError
from kb.language.lexicon import load_lexicon, parts
from kb.reading.regular_file import read_text

COLUMNS = ("label", "names", "findings", "wider", "present", "absent")


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """One label.

    Attributes:
        label: what it is compared as.
        names: the other names that mean the same.
        findings: of the lexicon, that it stands for.
        wider: the labels that hold wherever it does.
        present: sentences that say it holds; none: "{x}".
        absent: sentences that say it does not; none: "no {x}".
    """

    label: str
    names: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


class LabelNames:
    """A table of label names."""

    def __init__(self, entries: Iterable[LabelEntry]):
        self.entries: Mapping[str, LabelEntry] = {entry.label: entry for entry in entries}
        self.keys: dict[str, str] = {}
        """What each name is compared as."""
        for entry in self.entries.values():
            for name in (entry.label, *entry.names):
                self.keys.setdefault(normal_name(name), entry.label)

    def key(self, name: str) -> str:
        """What a label is compared as: one text for all names that mean the same."""
        normal = normal_name(name)
        return self.keys.get(normal, normal)

    def entry(self, name: str) -> LabelEntry | None:
        """What the table says of a label; None if it has none of that name."""
        return self.entries.get(self.key(name))

    def knows(self, name: str) -> bool:
        """Whether a label is in the table, or is itself the name of a finding in the lexicon."""
        return self.entry(name) is not None or load_lexicon().canonical(normal_name(name)) is not None

    def narrower(self, name: str, than: str) -> bool:
        """Whether a label holds only where another does, directly or by way of others."""
        seen: set[str] = set()
        fresh = {self.key(name)}
        while fresh:
            seen |= fresh
            entries = [self.entries[key] for key in fresh if key in self.entries]
            fresh = {self.key(wider) for entry in entries for wider in entry.wider} - seen
        return self.key(than) in seen - {self.key(name)}

    def with_entries(self, entries: Iterable[LabelEntry]) -> LabelNames:
        """The table with other entries before its own: they add names to a label, and a name of theirs is theirs.

        Of a label that is here already, what they leave blank stays as it is.
        """
        mine = {entry.label: _merged(entry, self.entries.get(entry.label)) for entry in entries}
        return LabelNames([*mine.values(), *(old for label, old in self.entries.items() if label not in mine)])


def _merged(entry: LabelEntry, old: LabelEntry | None) -> LabelEntry:
    if old is None:
        return entry
    said = {name: getattr(entry, name) or getattr(old, name) for name in ("findings", "wider", "present", "absent")}
    return LabelEntry(entry.label, (*entry.names, *old.names), **said)


def normal_name(name: str) -> str:
    """A name without case, "_" and spare spaces: "Pleural_Thickening" is "pleural thickening"."""
    return " ".join(name.replace("_", " ").lower().split())


@cache
def bundled_labels() -> LabelNames:
    """The table that comes with the program."""
    text = (files("kb.language.labels") / "label_names.tsv").read_text(encoding="utf-8")
    return LabelNames(_entries(text, "label_names.tsv"))


def read_label_names(path: str | Path) -> tuple[LabelEntry, ...]:
    """The entries of a user's own table, a TSV file of the columns label, names, findings, wider, present, absent.

    Columns but the first may be missing.

    Raises:
        UsageError: there is no such file, or a line of it is wrong; the message says which.
    """
    path = Path(path)
    return _entries(read_text(path), str(path))


def _entries(text: str, where: str) -> tuple[LabelEntry, ...]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    header = [name.strip().lower() for name in lines[0][1].split("\t")] if lines else []
    if "label" not in header or (unknown := [name for name in header if name not in COLUMNS]):
        named = "" if "label" not in header else f", and has '{unknown[0]}'"
        raise UsageError(f"{where}: a header of {', '.join(COLUMNS)}, with tabs between, was expected{named}")
    found: dict[str, LabelEntry] = {}
    met: dict[str, int] = {}
    for number, line in lines[1:]:
        cells = line.split("\t")
        if len(cells) > len(header):
            raise UsageError(f"{where}, line {number}: {len(cells)} cells, and the header has {len(header)}")
        said = {name: parts(cell) for name, cell in zip(header, cells, strict=False)}
        if len(said["label"]) != 1:
            raise UsageError(f"{where}, line {number}: one label was expected first")
        entry = LabelEntry(**{**said, "label": normal_name(said["label"][0])})  # type: ignore[arg-type]
        for name in {normal_name(name) for name in (entry.label, *entry.names)}:
            if name in met:
                raise UsageError(f"{where}, line {number}: '{name}' is named in line {met[name]} already")
            met[name] = number
        found[entry.label] = entry
    return tuple(found.values())
