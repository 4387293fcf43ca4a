"""Docstrings in Google's style, read into their sections and written as Markdown."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

from docs.generate.markdown import cell, table

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example")
_ITEM = re.compile(r"^(\*{0,2}\w+)(?: \([^)]*\))?: ?(.*)$")


@dataclass
class Docstring:
    """What a docstring says: its prose, and its sections line by line."""

    prose: str
    sections: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, documented: object) -> Docstring:
        """The docstring of a function, class or module; of no prose if there is none."""
        prose: list[str] = []
        sections: dict[str, list[str]] = {}
        current = prose
        for line in inspect.cleandoc(getattr(documented, "__doc__", None) or "").splitlines():
            name = line.removesuffix(":")
            if line.endswith(":") and name in SECTIONS:
                current = sections.setdefault(name, [])
            elif line and not line.startswith(" ") and current is not prose:
                prose.append("")
                prose.append(line)
                current = prose
            else:
                current.append(line)
        return cls("\n".join(prose).strip(), {name: _dedented(lines) for name, lines in sections.items()})

    def items(self, section: str) -> dict[str, str]:
        """The entries `name: what it is` of a section."""
        found: dict[str, str] = {}
        last = ""
        for line in self.sections.get(section, []):
            if (item := _ITEM.match(line)) is not None:
                last = item.group(1)
                found[last] = item.group(2)
            elif last and line.strip():
                found[last] += f" {line.strip()}"
        return found

    def markdown(self) -> str:
        """All of it; arguments, attributes and errors as tables."""
        parts = [self.prose, ""]
        for section, head in (("Args", "parameter"), ("Attributes", "attribute"), ("Raises", "raises")):
            if items := self.items(section):
                parts.append(table((head, ""), ((f"`{name}`", cell(told)) for name, told in items.items())))
        for section in ("Returns", "Yields"):
            if section in self.sections:
                parts.append(f"{section}: {cell(' '.join(self.sections[section]))}\n")
        if "Example" in self.sections:
            example = re.sub(r" *# doctest:.*", "", "\n".join(self.sections["Example"]).strip())
            parts.append(f"```pycon\n{example}\n```\n")
        return "\n".join(parts)


def _dedented(lines: list[str]) -> list[str]:
    return inspect.cleandoc("\n" + "\n".join(lines)).splitlines()
